// Clips and variants as cards, and each in full.

const SORTS = {
  score: ['Best first', (a, b) => b.score - a.score],
  source: ['By source and time', (a, b) => nameOf(a.source).localeCompare(nameOf(b.source)) || a.clip.start - b.clip.start || rankOf(a) - rankOf(b)],
  shortest: ['Shortest first', (a, b) => a.seconds - b.seconds],
  longest: ['Longest first', (a, b) => b.seconds - a.seconds],
};

function rankOf(card) {
  return card.variant ? card.variant.rank : 0;
}

// What is filtered stays while other views are seen.
const filters = { text: '', kind: '', sort: 'score', state: '' };

function filtered(all) {
  const fits = (card) => (!filters.text || card.text.includes(filters.text)) && (!filters.kind || card.kind === filters.kind)
    && (!filters.state || (filters.state === 'file' ? card.file : !card.file));
  return all.filter(fits).sort(SORTS[filters.sort][1]);
}

let everyCard = null;
// The card whose dialog was open, which gets the focus when it is closed.
let lastOpened = null;

function gallery(root, id, variant) {
  everyCard = everyCard || cards();
  if (!everyCard.length) {
    put(root, empty('No clips', report.totals.requests ? 'No window of the sources was chosen. The requests say why.' : 'These results hold no requests.'));
    return null;
  }
  let shown = filtered(everyCard);
  const box = el('div.gallery', { role: 'list', 'aria-label': 'Clips and variants' });
  const found = el('p.quiet', { role: 'status' });
  const list = new VirtualList({ box, items: shown, cell: { width: 230, height: 286 }, render: (card) => cardElement(card) });
  const say = () => fill(found, shown.length === everyCard.length ? plural(shown.length, 'entry', 'entries') : `${count(shown.length)} of ${plural(everyCard.length, 'entry', 'entries')}`);
  const change = (name) => (value) => {
    filters[name] = value;
    shown = filtered(everyCard);
    list.show(shown);
    say();
  };
  const kinds = [...new Set(everyCard.map((card) => card.kind))].sort();
  const search = searchField('Find in titles, captions, requests', change('text'));
  search.querySelector('input').value = filters.text;
  put(root, [
    el('div.toolbar', null, search,
      choice('Show', [['', 'all'], ...kinds.map((kind) => [kind, kind === 'clip' ? 'plain clips' : kind])], change('kind'), filters.kind),
      choice('Files', [['', 'all'], ['file', 'with a file'], ['none', 'without']], change('state'), filters.state),
      choice('Sort', Object.entries(SORTS).map(([of, [text]]) => [of, text]), change('sort'), filters.sort), el('span.spring'), found),
    box,
  ]);
  say();
  list.draw();
  const at = (target) => shown.findIndex((card) => card.key === target.closest('[data-key]')?.dataset.key);
  box.addEventListener('keydown', arrowKeys(list, () => shown, at));
  const before = id ? -1 : shown.findIndex((card) => card.key === lastOpened);
  if (before >= 0) requestAnimationFrame(() => list.focus(before));
  lastOpened = id ? `${id}${variant ? '/' + variant : ''}` : null;
  const dialog = id ? cardDialog(shown, `${id}${variant ? '/' + variant : ''}`) : null;
  return { key: (event) => (dialog ? dialog.key(event) : false), end: () => { list.end(); if (dialog) dialog.end(); } };
}

function cardElement(card) {
  return el('a.card', { href: `#clips/${card.key}`, 'data-key': card.key },
    el('span.picture', null, picture(card), el('span.length', null, clock(card.seconds))),
    el('span.about', null,
      el('span.row', null, el('span.badge', { class: card.variant ? 'badge' : 'badge good' }, card.kind), card.variant && card.variant.code && el('span.badge.bad', null, 'no file'), el('span.spring'), el('strong.score', { title: card.variant ? 'Viral score' : 'Score' }, fixed(card.score))),
      el('span.title', null, card.title),
      el('small.quiet', null, `${nameOf(card.source)} · ${clock(card.clip.start)}`)));
}

// A still of the card's file: the one beside it, or its first moments.
function picture(card) {
  const none = () => el('span.nopicture', { 'aria-hidden': 'true' }, icon('film'));
  const url = card.file && fileUrl(card.file.uri);
  if (!url || SOUNDS.has(card.file.container)) return none();
  const isStill = card.file.thumbnail || SILENT_PICTURES.has(card.file.container);
  const node = isStill
    ? el('img', { src: fileUrl(card.file.thumbnail || card.file.uri), alt: '', loading: 'lazy' })
    : el('video', { src: `${url}#t=0.5`, preload: 'metadata', muted: true, playsinline: true, tabindex: '-1', 'aria-hidden': 'true' });
  node.addEventListener('error', () => node.replaceWith(none()));
  return node;
}

// The card with `key` in full; the arrows go to its neighbours in `shown`.
function cardDialog(shown, key) {
  const at = shown.findIndex((card) => card.key === key);
  const card = at >= 0 ? shown[at] : everyCard.find((known) => known.key === key) || everyCard.find((known) => known.clip.id === key);
  if (!card) return null;
  const go = (step) => {
    const next = shown[at + step];
    if (next) location.replace(`#clips/${next.key}`);
  };
  const close = () => {
    location.hash = '#clips';
  };
  const dialog = el('dialog.sheet', { 'aria-labelledby': 'sheet-title', tabindex: '-1', on: { cancel: (event) => { event.preventDefault(); close(); }, click: (event) => { if (event.target === dialog) close(); } } },
    el('header.row', null, el('h2', { id: 'sheet-title' }, card.title), el('span.spring'),
      button('Previous', () => go(-1), 'left', { disabled: at <= 0 }), button('Next', () => go(1), 'right', { disabled: at < 0 || at + 1 >= shown.length }), button('Close', close, 'close')),
    el('div.columns', null, el('div', null, player(card.file, 'large'), card.variant && card.variant.message && el('p.notice', null, card.variant.message), texts(card)), el('div', null, facts(card), siblings(card))));
  document.body.append(dialog);
  dialog.showModal();
  // Not its first button, which the space bar would press.
  dialog.focus();
  return {
    key(event) {
      const media = dialog.querySelector('video, audio');
      const isInMedia = event.target === media;
      if (event.key === 'ArrowLeft' && !isInMedia) go(-1);
      else if (event.key === 'ArrowRight' && !isInMedia) go(1);
      else if (event.key === ' ' && media && !isInMedia && event.target.tagName !== 'BUTTON' && event.target.tagName !== 'A') {
        if (media.paused) media.play();
        else media.pause();
      } else return event.key !== 'Escape';
      event.preventDefault();
      return true;
    },
    end() {
      dialog.remove();
    },
  };
}

function texts({ clip, variant }) {
  const tags = variant && variant.hashtags;
  return [
    variant && variant.description && el('p.description', null, variant.description),
    tags && tags.length > 0 && el('p.tags', null, tags.join(' ')),
    variant && el('p.quiet', null, variant.reason),
    clip.transcript && el('details', null, el('summary', null, 'Transcript'), el('blockquote', null, clip.transcript)),
  ];
}

function pairs(rows) {
  const known = rows.filter(([, value]) => value !== null && value !== undefined && value !== '');
  return el('dl', null, known.map(([name, value]) => [el('dt', null, name), el('dd', null, value)]));
}

// Its score taken apart, what it is, and what became of it.
function facts(card) {
  const { clip, variant, file, source } = card;
  const windows = (model.windowsOf.get(clip.source) || []).find((w) => w.request === clip.request);
  const i = windows ? windows.chosen.find((n) => Math.abs(windows.start[n] - clip.start) < 0.002 && Math.abs(windows.end[n] - clip.end) < 0.002) : undefined;
  const parts = i === undefined ? null : partsOf(windows, i);
  const posted = variant && model.posted.get(variant.id);
  return [
    el('h3', null, variant ? 'Viral score ' : 'Score ', el('strong', null, fixed(card.score, 3))),
    variant ? scoreBars(variant) : parts ? featureBars(parts, null, windows.adds_up) : null,
    variant && parts && el('details', null, el('summary', null, `Why this clip: score ${fixed(clip.score, 3)}`), featureBars(parts, null, windows.adds_up)),
    posted && el('details', { open: true }, el('summary', null, 'After posting'), pairs(report.posted.metrics.map((name, n) => [words(name), figure(name, posted.values[n])]))),
    pairs([
      ['Source', el('a', { href: `#sources/${clip.source}` }, nameOf(source))], ['Span', span(clip.start, clip.end)], ['Request', `${clip.request}, clip ${clip.rank}`],
      ['Layout', variant && `${words(variant.layout)}, captions ${words(variant.captions)}`],
      ['Predicted', variant && `hook ${percent(variant.hook_rate)}, completion ${percent(variant.completion)}, engagement ${percent(variant.engagement)}`],
      ['File', file && [file.width && `${file.width}×${file.height}`, file.video, file.audio, clock(file.duration, true), size(file.bytes)].filter(Boolean).join(' · ')],
      ['Name', file && el('code', null, file.uri)], ['Variant', variant && el('code', null, variant.id)],
    ]),
  ];
}

function siblings({ clip, variant }) {
  const all = model.variantsOf.get(clip.id) || [];
  if (!all.length) return null;
  const link = (of, name, score) => el('li', null, el('a', { href: `#clips/${clip.id}${of ? '/' + of.id : ''}`, 'aria-current': (variant ? variant.id : null) === (of ? of.id : null) ? 'true' : null }, el('span', null, name), el('strong', null, fixed(score))));
  return [el('h3', null, 'Variants of this clip'), el('ul.siblings', null,
    fileOf(clip.id, null) && link(null, 'plain clip', clip.score), all.map((v) => link(v, `${v.platform} ${v.width}×${v.height}`, v.score)))];
}
