// What happened after posting: figures, predictions against them, experiments.

const SHARES = new Set(['hook_rate', 'completion_rate', 'engagement_rate', 'share_rate', 'average_watch_ratio']);

function figure(name, value) {
  if (value === null || value === undefined) return '–';
  return SHARES.has(name) ? percent(value) : count(value);
}

function posted(root) {
  const p = report.posted;
  if (!p) {
    put(root, empty('No events', 'This report was made without events. With what happened after posting, this page shows performance and experiments: clipflow report DIR --events FILE -o report.html.'));
    return;
  }
  if (!p.variants.length) {
    put(root, empty('No figures', 'The events hold no row that counts.'), eventNotes(p));
    return;
  }
  const known = p.metrics.filter((_, n) => p.variants.some((row) => row.values[n] !== null));
  const state = { metric: known.find((name) => SHARES.has(name)) || known[0] };
  const charts = el('div.columns');
  const draw = () => fill(charts, topVariants(p, state.metric), predictions(p, state.metric));
  put(root, [
    el('div.toolbar', null, el('p.lead', null, `${plural(p.variants.length, 'variant')} in ${fileName(p.events)}`), el('span.spring'),
      known.length > 0 && choice('Metric', known.map((name) => [name, words(name)]), (value) => { state.metric = value; draw(); }, state.metric)),
    known.length > 0 && charts,
    p.platforms.length > 0 && panel('Platforms', figuresTable(p, p.platforms, 'platform', known)),
    experiments(p),
    panel('Variants', figuresTable(p, p.variants.slice(0, 100), 'variant', known), p.variants.length > 100 && el('p.fine', null, `The 100 of ${count(p.variants.length)} variants with most views.`)),
    eventNotes(p),
  ]);
  draw();
}

function titleOf(id) {
  const variant = model.variants.get(id);
  if (!variant) return id || '(none)';
  return `${variant.platform}: ${variant.title || variant.hook || id}`;
}

function variantLink(id) {
  const variant = model.variants.get(id);
  return variant ? el('a', { href: `#clips/${variant.clip}/${id}` }, titleOf(id)) : id || '(none)';
}

function topVariants(p, metric) {
  const n = p.metrics.indexOf(metric);
  const rows = p.variants.filter((row) => row.values[n] !== null).sort((a, b) => b.values[n] - a.values[n]).slice(0, 12);
  if (!rows.length) return null;
  const most = Math.max(...rows.map((row) => row.values[n]), 1e-9);
  const line = (row) => el('li', null, el('span.name', { title: titleOf(row.name) }, variantLink(row.name)),
    el('span.track', { 'aria-hidden': 'true' }, el('span', { css: { width: `${(100 * row.values[n]) / most}%` } })), el('span.number', null, figure(metric, row.values[n])));
  return panel(`Best by ${words(metric)}`, el('ol.bars', null, rows.map(line)));
}

// The score that was predicted against what was measured, a point a variant.
function predictions(p, metric) {
  const n = p.metrics.indexOf(metric);
  const points = p.variants.map((row) => [model.variants.get(row.name), row.values[n]]).filter(([v, y]) => v && y !== null);
  if (points.length < 3) return null;
  const [xs, ys] = [points.map(([v]) => v.score), points.map(([, y]) => y)];
  const range = (of) => [Math.min(...of), Math.max(...of) || 1];
  const [[x0, x1], [y0, y1]] = [range(xs), range(ys)];
  const x = (v) => 62 + (316 * (v - x0)) / (x1 - x0 || 1);
  const y = (v) => 194 - (180 * (v - y0)) / (y1 - y0 || 1);
  const dot = ([variant, of]) => el('circle', { cx: x(variant.score), cy: y(of), r: points.length > 300 ? 2 : 4 }, el('title', null, `${titleOf(variant.id)}: score ${fixed(variant.score, 3)}, ${words(metric)} ${figure(metric, of)}`));
  const label = (at, text, anchor) => el('text', { x: at[0], y: at[1], 'text-anchor': anchor }, text);
  return panel('Score against outcome',
    el('svg.scatter', { viewBox: '0 0 390 226', role: 'img', 'aria-label': `Viral score against ${words(metric)} of ${points.length} variants` },
      el('line', { x1: 54, y1: 202, x2: 384, y2: 202 }), el('line', { x1: 54, y1: 10, x2: 54, y2: 202 }), points.map(dot),
      label([54, 220], fixed(x0), 'start'), label([219, 220], 'viral score', 'middle'), label([384, 220], fixed(x1), 'end'), label([48, 200], figure(metric, y0), 'end'), label([48, 18], figure(metric, y1), 'end')),
    el('p.fine', null, `Rank correlation ${fixed(correlation(xs, ys))} over ${plural(points.length, 'variant')}.`));
}

// Spearman's: the correlation of the ranks.
function correlation(xs, ys) {
  const ranks = (of) => {
    const sorted = of.map((v, i) => [v, i]).sort((a, b) => a[0] - b[0]);
    const found = new Array(of.length);
    for (let i = 0; i < sorted.length;) {
      let j = i;
      while (j < sorted.length && sorted[j][0] === sorted[i][0]) j++;
      for (let k = i; k < j; k++) found[sorted[k][1]] = (i + j - 1) / 2;
      i = j;
    }
    return found;
  };
  const [a, b] = [ranks(xs), ranks(ys)];
  const mean = (a.length - 1) / 2;
  const sum = (f) => a.reduce((all, _, i) => all + f(a[i] - mean, b[i] - mean), 0);
  return sum((u, v) => u * v) / Math.sqrt(sum((u) => u * u) * sum((_, v) => v * v)) || 0;
}

function figuresTable(p, rows, what, known) {
  const places = known.map((name) => p.metrics.indexOf(name));
  return el('div.wide', { tabindex: '0', role: 'region', 'aria-label': `Figures by ${what}` }, el('table', null,
    el('thead', null, el('tr', null, el('th', { scope: 'col' }, what), known.map((name) => el('th.number', { scope: 'col' }, words(name))))),
    el('tbody', null, rows.map((row) => el('tr', null, el('th', { scope: 'row' }, what === 'variant' ? variantLink(row.name) : row.name || '(none)'),
      places.map((n) => el('td.number', null, figure(p.metrics[n], row.values[n]))))))));
}

function experiments(p) {
  if (!p.experiments.length) return panel('Experiments', el('p.quiet', null, 'The variants belong to no experiment that these events tell about.'));
  const groups = byKey(p.experiments.map((row) => ({ ...row, group: `${row.experiment_id}\n${row.metric}` })), 'group');
  return panel('Experiments', [...groups.values()].map(experiment));
}

// Enough of an id to find it in the list.
function brief(id) {
  return model.variants.has(id) ? id.slice(0, 6) : id;
}

// The interval of each arm on one scale.
function experiment(rows) {
  const [first] = rows;
  const known = rows.filter((row) => row.rate !== null);
  const [low, high] = [Math.min(...known.map((row) => row.low ?? row.rate)), Math.max(...known.map((row) => row.high ?? row.rate))];
  const at = (v) => 4 + (92 * (v - low)) / (high - low || 1);
  const arm = (row) => el('li', { class: row.winner ? 'winner' : null },
    el('span.name', { title: titleOf(row.variant_id) }, el('code', null, brief(row.variant_id)), ' ', variantLink(row.variant_id)),
    el('span.track.interval', { 'aria-hidden': 'true' }, row.rate !== null && [
      row.low !== null && el('span', { css: { left: `${at(row.low)}%`, width: `${at(row.high) - at(row.low)}%` } }), el('i', { css: { left: `${at(row.rate)}%` } })]),
    el('span.number', null, percent(row.rate)), el('span.number.quiet', null, row.trials === null ? '' : `of ${count(row.trials)}`));
  return el('article.experiment', null, el('h3', null, first.experiment_id, ' ', el('span.badge', null, words(first.metric))),
    el('p', null, rows.reduce((text, row) => text.replaceAll(row.variant_id, brief(row.variant_id)), first.verdict)), el('ol.bars.arms', null, rows.map(arm)),
    known.length > 0 && el('p.fine', null, `Rates with intervals of ${percent(first.confidence, 0)} confidence, from ${percent(low)} to ${percent(high)}.`));
}

function eventNotes(p) {
  if (!p.notes.length && !p.definitions.length) return null;
  return el('details.panel', null, el('summary', null, 'How the figures are counted'), el('ul', null, [...p.notes, ...p.definitions].map((note) => el('li', null, note))));
}
