// The lanes below the signals, drawn on one canvas: shots, captions, windows by score, clips, and the time.

const TRACK = { shots: [8, 18], cues: [34, 12], windows: [60, 150], clips: [222, 22], axis: [252, 22] };
const HEIGHT = 276;

function tracks(view) {
  const node = el('canvas.tracks', { 'aria-hidden': 'true' });
  view.hit = (clientX, clientY) => hit(view, node, clientX, clientY);
  return {
    node,
    draw() {
      const [width, density] = [view.stack.clientWidth, window.devicePixelRatio || 1];
      node.width = width * density;
      node.height = HEIGHT * density;
      const c = node.getContext('2d');
      c.scale(density, density);
      c.font = '11px system-ui, sans-serif';
      c.textBaseline = 'middle';
      labels(c);
      c.save();
      c.beginPath();
      c.rect(GUTTER, 0, width - GUTTER - EDGE, HEIGHT);
      c.clip();
      drawShots(c, view);
      drawCues(c, view);
      const scores = scale(view.state.windows);
      if (scores) drawWindows(c, view, scores);
      drawClips(c, view);
      c.restore();
      if (scores) drawScores(c, scores, width);
      drawTimes(c, view, width);
    },
  };
}

function labels(c) {
  c.fillStyle = colour('muted');
  c.textAlign = 'right';
  for (const name of ['shots', 'cues', 'clips']) {
    c.fillText(name === 'cues' ? 'captions' : name, GUTTER - 8, TRACK[name][0] + TRACK[name][1] / 2);
  }
}

function drawShots(c, view) {
  const [top, height] = TRACK.shots;
  const tones = [colour('shot-a'), colour('shot-b')];
  view.timeline.shots.forEach(([start, end, transition], i) => {
    const [left, right] = [view.x(start), view.x(end)];
    if (right < GUTTER || left > view.stack.clientWidth) return;
    c.fillStyle = tones[i % 2];
    c.fillRect(left, top, Math.max(0.5, right - left - 0.5), height);
    if (i && transition !== 'cut') {
      c.fillStyle = colour('accent');
      c.fillRect(left - 1, top, 3, height);
    }
  });
}

function drawCues(c, view) {
  const [top, height] = TRACK.cues;
  c.fillStyle = colour('speech');
  c.globalAlpha = 0.65;
  for (const [start, end] of view.timeline.cues) {
    const [left, right] = [view.x(start), view.x(end)];
    if (right >= GUTTER && left <= view.stack.clientWidth) c.fillRect(left, top, Math.max(1, right - left - 1), height);
  }
  c.globalAlpha = 1;
}

// The scores that the lane of windows spans.
function scale(windows) {
  if (!windows || !windows.score.length) return null;
  let [low, high] = [Infinity, -Infinity];
  for (const score of windows.score) {
    low = Math.min(low, score);
    high = Math.max(high, score);
  }
  const room = Math.max(0.02, (high - low) * 0.08);
  const [top, height] = TRACK.windows;
  const [from, to] = [Math.max(0, low - room), Math.min(1, high + room)];
  return { from, to, y: (score) => top + height * (1 - (score - from) / (to - from)) };
}

function drawWindows(c, view, scores) {
  const { windows: w, picked, over } = view.state;
  const chosen = new Set(w.chosen);
  const line = (i, width, stroke, alpha) => {
    const [left, right] = [view.x(w.start[i]), view.x(w.end[i])];
    if (right < GUTTER || left > view.stack.clientWidth) return;
    c.globalAlpha = alpha;
    c.strokeStyle = stroke;
    c.lineWidth = width;
    c.beginPath();
    c.moveTo(left, scores.y(w.score[i]));
    c.lineTo(right, scores.y(w.score[i]));
    c.stroke();
  };
  const [text, accent] = [colour('text'), colour('accent')];
  const alpha = clamp(40 / w.start.length, 0.08, 0.4);
  for (let i = w.start.length - 1; i >= 0; i--) if (!chosen.has(i)) line(i, 1, text, alpha);
  for (const i of w.chosen) {
    c.globalAlpha = 0.1;
    c.fillStyle = accent;
    c.fillRect(view.x(w.start[i]), TRACK.windows[0], view.x(w.end[i]) - view.x(w.start[i]), TRACK.windows[1]);
    line(i, 4, accent, 1);
  }
  if (over >= 0) line(over, 3, text, 0.8);
  if (picked >= 0) line(picked, 5, colour('picked'), 1);
  c.globalAlpha = 1;
}

function drawScores(c, scores, width) {
  c.textAlign = 'right';
  for (const share of [0.08, 0.5, 0.92]) {
    const score = scores.from + share * (scores.to - scores.from);
    c.fillStyle = colour('muted');
    c.fillText(fixed(score), GUTTER - 8, scores.y(score));
    c.fillStyle = colour('line');
    c.fillRect(GUTTER, scores.y(score), width - GUTTER - EDGE, 0.5);
  }
}

function drawClips(c, view) {
  const [top, height] = TRACK.clips;
  c.textAlign = 'left';
  for (const clip of view.clips) {
    const [left, right] = [view.x(clip.start), view.x(clip.end)];
    c.fillStyle = colour('accent');
    c.beginPath();
    c.roundRect(left, top, Math.max(3, right - left), height, 4);
    c.fill();
    c.strokeStyle = colour('surface');
    c.lineWidth = 1.5;
    c.stroke();
    c.fillStyle = colour('on-accent');
    if (right - left > 18) c.fillText(String(clip.rank), left + 7, top + height / 2 + 0.5);
  }
}

function drawTimes(c, view, width) {
  const [top] = TRACK.axis;
  const { from, to } = view.state;
  const steps = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
  const room = Math.max(2, (width - GUTTER) / 80);
  const step = steps.find((s) => (to - from) / s <= room) || steps[steps.length - 1];
  c.fillStyle = colour('muted');
  c.textAlign = 'center';
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) {
    const x = view.x(t);
    c.fillRect(x, top, 1, 4);
    if (x < width - 24) c.fillText(clock(t, step < 1), x, top + 13);
  }
}

// The window under the pointer: the nearest in height, or the one of a clip; -1 for none.
function hit(view, node, clientX, clientY) {
  const box = node.getBoundingClientRect();
  const [x, y] = [clientX - box.left, clientY - box.top];
  const { windows: w } = view.state;
  if (!w || x < GUTTER) return -1;
  const t = view.t(x);
  const inside = (i) => w.start[i] <= t && t <= w.end[i];
  if (y >= TRACK.clips[0] && y <= TRACK.clips[0] + TRACK.clips[1]) return w.chosen.find(inside) ?? -1;
  const scores = scale(w);
  if (y < TRACK.windows[0] || y > TRACK.windows[0] + TRACK.windows[1]) return -1;
  let [best, distance] = [-1, 9];
  for (let i = 0; i < w.start.length; i++) {
    const away = Math.abs(scores.y(w.score[i]) - y) - (w.chosen.includes(i) ? 3 : 0);
    if (away < distance && inside(i)) [best, distance] = [i, away];
  }
  return best;
}
