// The requests and how they ended.

function requests(root, code) {
  if (!report.requests.length) {
    put(root, empty('No requests', 'These results hold no requests.'));
    return null;
  }
  const state = { text: '', code: code || '' };
  const codes = [...new Set(report.requests.filter(isFailed).map((r) => r.code))].sort();
  const box = el('div.rows', { role: 'list', 'aria-label': 'Requests' });
  const found = el('p.quiet', { role: 'status' });
  const fits = (r) => (!state.code || (state.code === 'ok' ? !isFailed(r) : r.code === state.code))
    && (!state.text || `${r.id}\n${r.url}\n${r.topic || ''}\n${r.message || ''}`.toLowerCase().includes(state.text));
  const list = new VirtualList({ box, items: [], cell: { width: 0, height: 76 }, render: requestRow });
  const show = () => {
    const shown = report.requests.filter(fits);
    list.show(shown);
    fill(found, `${count(shown.length)} of ${plural(report.requests.length, 'request')}`);
  };
  put(root, [
    el('div.toolbar', null,
      searchField('Find a request', (text) => { state.text = text; show(); }),
      choice('Ended', [['', 'in any way'], ['ok', 'answered'], ...codes.map((c) => [c, c])], (value) => { state.code = value; show(); }, state.code),
      el('span.spring'), found),
    box,
  ]);
  show();
  return { key: () => false, end: () => list.end() };
}

function requestRow(r) {
  const wanted = [r.min !== null && r.max !== null ? `${r.min}–${r.max} s` : null, r.max_clips ? `up to ${plural(r.max_clips, 'clip')}` : null, r.language, r.topic, r.experiment ? `experiment ${r.experiment}` : null];
  const name = el('strong', null, r.id);
  return el('article.request', { tabindex: '0' },
    el('div.row', null, el('span', { class: isFailed(r) ? 'badge bad' : 'badge good' }, isFailed(r) ? r.code : 'answered'),
      r.source && model.sources.has(r.source) ? el('a', { href: `#sources/${r.source}` }, name) : name,
      el('span.spring'), el('span.quiet', null, isFailed(r) ? `row ${r.row}` : `${plural(r.clips, 'clip')} of ${plural(r.candidates, 'window')}${r.variants ? `, ${plural(r.variants, 'variant')}` : ''} · ${lasting(r.seconds)}`)),
    el('p', { title: r.message || r.url }, r.message || [r.url, ...wanted].filter(Boolean).join(' · ')));
}
