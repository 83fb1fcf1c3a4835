// A source over time: stills, signals, shots, captions, and every window by its score.

const GUTTER = 58;
const EDGE = 10;
// Width of a still in pixels at the least.
const LEAST_STILL = 62;
const LINES = [
  ['motion', 1000, (v) => fixed(v)],
  ['onset', 1000, (v) => fixed(v)],
  ['speech', 1000, (v) => fixed(v)],
  ['loudness', 10, (v) => (v === null || v === undefined ? '–' : `${v.toFixed(1)} LUFS`)],
];

const SCALES = { loudness: 'lufs', motion: 'motion' };

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// `windows` are those of one request. `pick(i)` is told which window was chosen by pointer.
function lanes({ source, timeline, windows, clips, pick }) {
  const state = { from: 0, to: Math.max(source.duration, 0.1), windows, picked: -1, over: -1, at: null };
  const stack = el('div.lanes', { role: 'group', 'aria-label': 'Timeline: left and right move, plus and minus zoom, up and down choose a window', tabindex: '0' });
  const view = { state, stack, source, timeline, clips };
  const parts = [stills(view), signals(view), tracks(view)].filter(Boolean);
  const line = el('div.crosshair', { hidden: true, 'aria-hidden': 'true' });
  const chosen = el('div.brush', { hidden: true, 'aria-hidden': 'true' });
  const tip = el('div.tip', { hidden: true, role: 'status' });
  put(stack, [parts.map((part) => part.node), line, chosen, tip]);
  const draw = oncePerFrame(() => stack.isConnected && parts.forEach((part) => part.draw()));
  const watch = new ResizeObserver(draw);
  watch.observe(stack);

  view.x = (t) => GUTTER + ((t - state.from) / (state.to - state.from)) * (stack.clientWidth - GUTTER - EDGE);
  view.t = (x) => state.from + ((x - GUTTER) / (stack.clientWidth - GUTTER - EDGE)) * (state.to - state.from);

  function zoom(from, to) {
    const all = source.duration;
    const length = clamp(to - from, Math.min(2, all), all);
    state.from = clamp(from, 0, all - length);
    state.to = state.from + length;
    draw();
  }
  function scale(by, around = (state.from + state.to) / 2) {
    zoom(around - (around - state.from) * by, around + (state.to - around) * by);
  }
  pointers({ view, line, chosen, tip, zoom, scale, draw, pick });
  return {
    node: stack,
    draw,
    zoom,
    scale,
    whole: () => zoom(0, source.duration),
    clips: (next) => {
      view.clips = next;
    },
    pan: (by) => zoom(state.from + by * (state.to - state.from), state.to + by * (state.to - state.from)),
    show(i, next) {
      if (next) state.windows = next;
      state.picked = i;
      const [start, end] = [state.windows?.start[i], state.windows?.end[i]];
      if (i >= 0 && (end < state.from || start > state.to)) zoom(start - (state.to - state.from) / 2, start + (state.to - state.from) / 2);
      draw();
    },
    end: () => {
      watch.disconnect();
      parts.forEach((part) => part.end && part.end());
    },
  };
}

// Moving shows what is there, dragging zooms, a click picks, a double click shows all.
function pointers({ view, line, chosen, tip, zoom, scale, draw, pick }) {
  const { stack, state } = view;
  let pressed = null;
  const place = (event) => event.clientX - stack.getBoundingClientRect().left;
  stack.addEventListener('pointermove', (event) => {
    const x = place(event);
    const isInside = x >= GUTTER && x <= stack.clientWidth - EDGE;
    line.hidden = !isInside;
    line.style.transform = `translateX(${x}px)`;
    state.over = view.hit ? view.hit(event.clientX, event.clientY) : -1;
    tooltip(view, tip, x, isInside, event);
    if (pressed !== null && Math.abs(x - pressed) > 6) {
      chosen.hidden = false;
      chosen.style.left = `${Math.max(GUTTER, Math.min(x, pressed))}px`;
      chosen.style.width = `${Math.abs(x - pressed)}px`;
    }
    draw();
  });
  stack.addEventListener('pointerdown', (event) => {
    if (event.button === 0 && event.pointerType !== 'touch' && !event.target.closest('table')) pressed = place(event);
  });
  stack.addEventListener('pointerup', (event) => {
    const x = place(event);
    if (pressed !== null && Math.abs(x - pressed) > 6) zoom(view.t(Math.min(x, pressed)), view.t(Math.max(x, pressed)));
    pressed = null;
    chosen.hidden = true;
  });
  stack.addEventListener('click', (event) => {
    const i = view.hit ? view.hit(event.clientX, event.clientY) : -1;
    if (i >= 0 && chosen.hidden) pick(i);
  });
  stack.addEventListener('dblclick', () => zoom(0, view.source.duration));
  stack.addEventListener('wheel', (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    scale(event.deltaY > 0 ? 1.25 : 0.8, view.t(place(event)));
  }, { passive: false });
  stack.addEventListener('pointerleave', () => {
    line.hidden = tip.hidden = true;
    chosen.hidden = true;
    pressed = null;
    state.over = -1;
    draw();
  });
}

function tooltip(view, tip, x, isInside, event) {
  const { state, timeline } = view;
  tip.hidden = !isInside;
  if (!isInside) return;
  const t = view.t(x);
  const w = state.windows;
  const cue = timeline.cues.find(([start, end]) => start <= t && t < end);
  const i = state.over;
  fill(tip, el('strong', null, clock(t, true)),
    i >= 0 && el('span', null, ` window ${w.rank[i]}: ${span(w.start[i], w.end[i])}, score ${fixed(w.score[i], 3)}`),
    i >= 0 && w.strengths[i] && el('span.quiet', null, w.strengths[i]),
    i < 0 && cue && el('span.quiet', null, cue[2]));
  const box = view.stack.getBoundingClientRect();
  tip.style.top = `${event.clientY - box.top + 18}px`;
  const width = tip.offsetWidth;
  tip.style.left = `${clamp(x + 14, 0, view.stack.clientWidth - width)}px`;
}

function stills(view) {
  const { stills: made, no_stills: why } = view.timeline;
  if (!made && !why) return null;
  if (!made) return { node: el('p.fine.nostills', null, why), draw() {} };
  const node = el('div.stills', { 'aria-hidden': 'true' });
  const pictures = made.jpeg.map((jpeg) => el('img', { src: `data:image/jpeg;base64,${jpeg}`, alt: '', loading: 'lazy', draggable: 'false' }));
  put(node, pictures);
  const each = view.source.duration / made.at.length;
  return {
    node,
    draw() {
      // Where they would be too narrow, one stands for several.
      const width = view.x(each) - view.x(0);
      const of = Math.max(1, Math.ceil(LEAST_STILL / width));
      pictures.forEach((picture, i) => {
        picture.hidden = i % of !== Math.floor((Math.min(of, made.at.length) - 1) / 2);
        picture.style.left = `${view.x((i - (i % of)) * each)}px`;
        picture.style.width = `${width * of}px`;
      });
    },
  };
}

function signals(view) {
  const { timeline, state } = view;
  if (!timeline.motion.length) return null;
  const times = timeline.motion.map((_, i) => i * timeline.step);
  const known = LINES.filter(([name]) => timeline[name].some((v) => v !== null));
  const data = [times, ...known.map(([name, by]) => timeline[name].map((v) => (v === null ? null : v / by)))];
  const node = el('div.signals');
  let plot = null;
  const make = () => new uPlot({
    width: Math.max(200, view.stack.clientWidth),
    height: 132,
    padding: [10, EDGE, 6, 0],
    cursor: { x: false, y: false, drag: { setScale: false, x: false, y: false }, points: { size: 6 } },
    legend: { live: true },
    scales: {
      x: { time: false, range: () => [state.from, state.to] },
      y: { range: [0, 1] },
      // Most pictures move little: their motion fills the height.
      motion: { range: [0, Math.max(0.02, ...timeline.motion.map((v) => v / 1000))] },
      lufs: { range: [-60, 0] },
    },
    axes: [
      { show: false },
      { size: GUTTER, splits: () => [0, 0.5, 1], values: () => ['', '', ''], stroke: () => colour('muted'), font: '11px system-ui', grid: { stroke: () => colour('line'), width: 1 }, ticks: { show: false } },
    ],
    series: [{ label: 'time', value: (_, v) => (v === null ? '–' : clock(v, true)) },
      ...known.map(([name, , text]) => ({ label: name, scale: SCALES[name] || 'y', stroke: () => colour(name), width: 1.5, points: { show: false }, value: (_, v) => text(v) }))],
  }, data, node);
  return {
    node,
    draw() {
      if (!plot) plot = make();
      if (plot.width !== view.stack.clientWidth) plot.setSize({ width: view.stack.clientWidth, height: 132 });
      plot.redraw(true, true);
      plot.setScale('x', { min: state.from, max: state.to });
    },
    end: () => plot && plot.destroy(),
  };
}
