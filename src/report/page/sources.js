// The sources, and the timeline of one of them.

function sources(root, id) {
  if (!report.sources.length) {
    put(root, empty('No sources', 'No source could be opened, so there is nothing to see here. The failures say why.'));
    return null;
  }
  const state = { shown: report.sources, text: '' };
  const box = el('div', { role: 'list', 'aria-label': 'Sources' });
  const scroller = el('div.scroller', null, box);
  const detail = el('article.detail');
  const list = new VirtualList({ box, items: state.shown, cell: { width: 0, height: 62 }, scroller, render: (s) => sourceItem(s, current.id) });
  const filter = (text) => {
    state.shown = report.sources.filter((s) => `${s.location || ''}`.toLowerCase().includes(text));
    list.show(state.shown);
  };
  const current = model.sources.get(id) || report.sources[0];
  const isAlone = report.sources.length === 1;
  put(root, el('div.split', { class: isAlone ? 'split alone' : 'split' },
    !isAlone && el('aside.side', { 'aria-label': 'All sources' }, searchField('Find a source', filter), scroller), detail));
  const timeline = sourceDetail(detail, current);
  requestAnimationFrame(() => {
    list.draw();
    const at = report.sources.indexOf(current);
    scroller.scrollTop = Math.max(0, at * 62 - scroller.clientHeight / 2);
    list.draw();
  });
  return {
    key(event) {
      const step = { j: 1, k: -1 }[event.key];
      if (!step) return timeline.key(event);
      const next = state.shown[clamp(state.shown.indexOf(current) + step, 0, state.shown.length - 1)];
      if (next) location.hash = `#sources/${next.id}`;
      return true;
    },
    end() {
      list.end();
      timeline.end();
    },
  };
}

function sourceItem(source, current) {
  return el('a.item', { href: `#sources/${source.id}`, 'aria-current': source.id === current ? 'true' : null },
    el('strong', null, nameOf(source)),
    el('small', null, `${clock(source.duration)} · ${plural(source.clips, 'clip')} · ${plural(source.requests, 'request')}`));
}

function sourceDetail(root, source) {
  const timeline = model.timelines.get(source.id);
  const all = model.windowsOf.get(source.id) || [];
  const facts = [`${source.width}×${source.height}`, `${Number(source.fps.toFixed(2))} fps`, source.video_codec, source.audio_codec || 'no sound',
    source.loudness === null ? null : `${source.loudness.toFixed(1)} LUFS`, source.caption_tracks ? `captions: ${source.language || 'unknown'}` : 'no captions', size(source.bytes)];
  put(root, [el('header', null, el('h2', null, nameOf(source)), el('p.quiet.path', null, source.location), el('p.facts', null, [clock(source.duration), ...facts.filter(Boolean)].join(' · ')))]);
  const panelOf = el('div.why', { 'aria-live': 'polite' });
  let windows = all[0] || null;
  const clips = () => (model.clipsOf.get(source.id) || []).filter((clip) => !windows || clip.request === windows.request);
  const view = lanes({ source, timeline, windows, clips: clips(), pick });
  const table = windowTable(pick);

  function pick(i) {
    view.show(i, windows);
    table.mark(i);
    fill(panelOf, why(windows, i, timeline));
  }
  function request(n) {
    windows = all[n];
    view.clips(clips());
    table.show(windows);
    pick(windows.chosen[0] ?? 0);
  }
  put(root, [
    el('div.toolbar', null,
      all.length > 1 && choice('Request', all.map((w, n) => [n, `${w.request} (${plural(w.chosen.length, 'clip')})`]), request),
      el('span.spring'),
      button('Zoom in', () => view.scale(0.6), null, {}), button('Zoom out', () => view.scale(1 / 0.6)), button('Whole source', view.whole)),
    view.node,
    windows ? [el('p.fine', null, 'Each line is a window that was considered, at the height of its score; the thick ones were chosen. Click a line to see why; drag to zoom.'),
      el('div.beneath', null, panelOf, table.node)]
      : el('p.quiet', null, 'No window of this source was considered.'),
  ]);
  if (windows) {
    table.show(windows);
    pick(windows.chosen[0] ?? 0);
  }
  requestAnimationFrame(() => table.draw());
  return { key: (event) => laneKeys(event, view, table), end: () => { view.end(); table.end(); } };
}

// On the timeline: arrows pan, + and - zoom, 0 shows all; in the list they go from window to window.
function laneKeys(event, view, table) {
  const acts = { ArrowLeft: () => view.pan(-0.2), ArrowRight: () => view.pan(0.2), '+': () => view.scale(0.6), '=': () => view.scale(0.6),
    '-': () => view.scale(1 / 0.6), 0: view.whole, ArrowUp: () => table.step(-1), ArrowDown: () => table.step(1) };
  const act = acts[event.key];
  if (!act || !event.target.closest('.lanes, .windows')) return false;
  act();
  return true;
}

// All windows of a request in order of rank.
function windowTable(pick) {
  let windows = null;
  let marked = -1;
  const box = el('div', { role: 'list', 'aria-label': 'Windows by rank' });
  const scroller = el('div.scroller', null, box);
  const render = (i) => el('button.window', { type: 'button', 'aria-pressed': i === marked ? 'true' : 'false', class: windows.chosen.includes(i) ? 'window chosen' : 'window', on: { click: () => pick(i) } },
    el('span.number', null, count(windows.rank[i])), el('span', null, span(windows.start[i], windows.end[i])),
    el('span.track', { 'aria-hidden': 'true' }, el('span', { css: { width: `${100 * windows.score[i]}%` } })), el('span.number', null, fixed(windows.score[i], 3)));
  const list = new VirtualList({ box, items: [], cell: { width: 0, height: 32 }, scroller, render });
  return {
    node: el('section.windows', { 'aria-label': 'Windows' }, el('h3', null, 'All windows'), scroller),
    draw: () => list.draw(),
    end: () => list.end(),
    show(next) {
      windows = next;
      marked = -1;
      list.show(windows.start.map((_, i) => i));
    },
    mark(i) {
      const before = marked;
      marked = i;
      list.again(before);
      list.again(i);
    },
    step(by) {
      const next = clamp(marked + by, 0, windows.start.length - 1);
      pick(next);
      if (scroller.contains(document.activeElement)) list.focus(next);
      else scroller.scrollTop = next * 32 - scroller.clientHeight / 2;
    },
  };
}
