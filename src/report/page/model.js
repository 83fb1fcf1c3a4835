// The results, and what belongs to what in them.

const report = JSON.parse(document.getElementById('data').textContent);

function byKey(rows, key) {
  const found = new Map();
  for (const row of rows) {
    const of = row[key];
    if (found.has(of)) found.get(of).push(row);
    else found.set(of, [row]);
  }
  return found;
}

function byId(rows, key = 'id') {
  return new Map(rows.map((row) => [row[key], row]));
}

const model = {
  sources: byId(report.sources),
  requests: byId(report.requests),
  clips: byId(report.clips),
  variants: byId(report.variants),
  timelines: byId(report.timelines, 'source'),
  windowsOf: byKey(report.windows, 'source'),
  clipsOf: byKey(report.clips, 'source'),
  variantsOf: byKey(report.variants, 'clip'),
  filesOf: byKey(report.files, 'clip'),
  posted: new Map((report.posted ? report.posted.variants : []).map((row) => [row.name, row])),
};

for (const variants of model.variantsOf.values()) variants.sort((a, b) => a.rank - b.rank);
for (const clips of model.clipsOf.values()) clips.sort((a, b) => a.start - b.start);

// Where the page finds a file of the results; null where it cannot.
function fileUrl(uri) {
  const base = report.about.base;
  if (base === null || !uri) return null;
  const inside = uri.split('/').filter((name) => name !== '..');
  const names = [...base.split('/'), ...inside].filter((name) => name && name !== '.');
  // A first name with a colon would be read as a scheme.
  return './' + names.map((name) => (name === '..' ? name : encodeURIComponent(name))).join('/');
}

function nameOf(source) {
  return source ? fileName(source.location || '') : 'unknown source';
}

// The file of a clip (variant null) or of a variant.
function fileOf(clip, variant) {
  const files = model.filesOf.get(clip) || [];
  return files.find((file) => file.variant === variant) || null;
}

function isFailed(request) {
  return request.code !== null;
}

// A card of the gallery: a clip, or a variant of it.
function cards() {
  const all = [];
  for (const clip of report.clips) {
    const source = model.sources.get(clip.source);
    const own = fileOf(clip.id, null);
    const variants = model.variantsOf.get(clip.id) || [];
    const words = [clip.hook, clip.transcript, clip.request, nameOf(source)];
    if (own || !variants.length) all.push(cardOf({ clip, source, variant: null, file: own, score: clip.score, kind: 'clip', words }));
    for (const variant of variants) {
      const file = fileOf(clip.id, variant.id);
      const own = [variant.title, variant.description, variant.platform, ...(variant.hashtags || [])];
      all.push(cardOf({ clip, source, variant, file, score: variant.score, kind: variant.platform, words: [...words, ...own] }));
    }
  }
  return all;
}

function cardOf(card) {
  const title = card.variant ? card.variant.title || card.variant.hook || card.clip.hook : card.clip.hook;
  return {
    ...card,
    title: title || `${nameOf(card.source)}, ${span(card.clip.start, card.clip.end)}`,
    seconds: card.variant ? card.variant.duration : card.clip.end - card.clip.start,
    text: card.words.filter(Boolean).join('\n').toLowerCase(),
    key: card.clip.id + (card.variant ? '/' + card.variant.id : ''),
  };
}
