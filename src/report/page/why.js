// Why a window was chosen, or was not: its score taken apart.

// The weighted features of window `i` that `windows` has parts of; null without them.
function partsOf(windows, i) {
  const found = windows.parts.find(([place]) => place === i);
  if (!found) return null;
  const rows = report.features.map((f, n) => ({ ...f, value: found[1][n] === null ? null : found[1][n] / 1000 }));
  const had = rows.filter((row) => row.value !== null);
  const all = had.reduce((sum, row) => sum + row.weight, 0);
  return had.map((row) => ({ ...row, adds: (row.weight * row.value) / all, lift: (row.weight * (row.value - 0.5)) / all }));
}

// Bars of the features, the largest lift first; `other` are those of a window to compare with.
function featureBars(parts, other, addsUp) {
  const values = new Map((other || []).map((row) => [row.name, row.value]));
  const row = (part) => {
    const against = values.get(part.name);
    const from = Math.min(part.value, 0.5);
    return el('li', { title: part.description },
      el('span.name', null, words(part.name)),
      el('span.track.middle', { 'aria-hidden': 'true' },
        el('span', { class: part.value >= 0.5 ? 'up' : 'down', css: { left: `${100 * from}%`, width: `${100 * Math.abs(part.value - 0.5)}%` } }),
        against !== undefined && against !== null && el('i', { css: { left: `${100 * against}%` } })),
      el('span.number', null, fixed(part.value)),
      el('span.number.quiet', { title: 'What it adds to the score' }, addsUp ? `+${part.adds.toFixed(3)}` : ''));
  };
  const sorted = [...parts].sort((a, b) => b.lift - a.lift);
  return [el('ol.bars.features', null, sorted.map(row)),
    el('p.fine', null, 'Right of the middle is above what is usual. ',
      addsUp ? 'The last column is what each adds to the score, by its weight.' : 'These clips were scored with other weights than the built-in ones, so the parts do not add up to the score.',
      other && ' The mark is the best chosen window.')];
}

// Bars of a variant's score: what each feature adds or takes.
function scoreBars(variant) {
  const parts = [...variant.parts].sort((a, b) => b[2] - a[2]);
  if (!parts.length) return el('p.quiet', null, 'No feature moves this score.');
  const most = Math.max(...parts.map((part) => Math.abs(part[2])));
  const row = ([feature, value, part]) => el('li', null,
    el('span.name', { title: feature }, words(feature)),
    el('span.track.middle', { 'aria-hidden': 'true' },
      el('span', { class: part >= 0 ? 'up' : 'down', css: { left: `${part >= 0 ? 50 : 50 - (50 * -part) / most}%`, width: `${(50 * Math.abs(part)) / most}%` } })),
    el('span.number', null, `${part >= 0 ? '+' : '−'}${Math.abs(part).toFixed(3)}`),
    el('span.number.quiet', { title: 'What was measured' }, value === null ? '–' : fixed(value)));
  return [el('ol.bars.features', null, parts.map(row)),
    el('p.fine', null, `What each feature adds to the score or takes from it (${variant.model}), and its measured value.`)];
}

// The panel beside the timeline, about window `i` of `windows`.
function why(windows, i, timeline) {
  const clip = (model.clipsOf.get(windows.source) || []).find((c) =>
    c.request === windows.request && Math.abs(c.start - windows.start[i]) < 0.002 && Math.abs(c.end - windows.end[i]) < 0.002);
  const isChosen = windows.chosen.includes(i);
  const parts = partsOf(windows, i);
  const best = windows.chosen[0];
  const other = !isChosen && best !== undefined ? partsOf(windows, best) : null;
  const [starts, ends] = windows.kinds[i].split(' ');
  const said = timeline.cues.filter(([start, end]) => end > windows.start[i] && start < windows.end[i]);
  return [
    el('h3', null, isChosen ? `Clip ${clip ? clip.rank : ''}`.trim() : 'Not chosen', ' ', el('span.badge', { class: isChosen ? 'badge good' : 'badge' }, `rank ${count(windows.rank[i])} of ${count(windows.start.length)}`)),
    el('p.facts', null, span(windows.start[i], windows.end[i]), ' · ', lasting(windows.end[i] - windows.start[i]), ' · score ', el('strong', null, fixed(windows.score[i], 3))),
    isChosen ? el('p', null, windows.strengths[i] ? `Chosen for ${windows.strengths[i]}.` : 'The request named this span.')
      : el('p', null, windows.reason[i] >= 0 ? windows.reasons[windows.reason[i]] : 'Its score was not enough.'),
    clip && player(fileOf(clip.id, null) || firstFile(clip.id), 'small'),
    clip && el('p', null, el('a.button', { href: `#clips/${clip.id}` }, 'Open clip and variants')),
    parts ? featureBars(parts, other, windows.adds_up) : el('p.quiet', null, windows.strengths[i] ? `Above the usual: ${windows.strengths[i]}. ` : '', 'The scores of the best windows are taken apart in full.'),
    el('p.fine', null, `It starts at a ${starts} and ends at a ${ends}.`),
    said.length > 0 && el('details', null, el('summary', null, `What is said (${plural(said.length, 'line')})`), el('blockquote', null, said.map((cue) => cue[2]).join(' '))),
  ];
}

function firstFile(clip) {
  return (model.filesOf.get(clip) || [])[0] || null;
}

const SILENT_PICTURES = new Set(['gif', 'webp']);
const SOUNDS = new Set(['mp3', 'm4a', 'opus']);

// Plays a file that lies beside the page.
function player(file, look) {
  if (!file) return el('p.quiet.noplayer', null, 'There is no file of it.');
  const url = fileUrl(file.uri);
  if (!url) return el('p.quiet.noplayer', null, 'Its file is in the object store, which this page does not reach: ', el('code', null, file.uri));
  if (SILENT_PICTURES.has(file.container)) return el(`img.player.${look}`, { src: url, alt: 'The clip' });
  const isSound = SOUNDS.has(file.container);
  const media = el(`${isSound ? 'audio' : 'video'}.player.${look}`, {
    src: isSound || file.thumbnail ? url : `${url}#t=0.1`, controls: true, preload: 'metadata', playsinline: true,
    poster: file.thumbnail ? fileUrl(file.thumbnail) : null,
  });
  const lost = el('p.quiet.noplayer', { hidden: true }, 'The file cannot be played here. Is it still beside the page? ', el('code', null, file.uri));
  media.addEventListener('error', () => {
    media.hidden = true;
    lost.hidden = false;
  });
  return el('div', null, media, lost);
}
