// What was asked, what was made, what went wrong, and where the time went.

function overview(root) {
  const t = report.totals;
  if (!t.requests) {
    put(root, [empty('Nothing here yet', 'These results hold no requests. Run some with clipflow run REQUESTS --out DIR and make the report again.'), notes()]);
    return;
  }
  const failed = t.requests - t.answered;
  const lead = failed
    ? `${count(t.answered)} of ${plural(t.requests, 'request')} answered, ${count(failed)} failed.`
    : `${t.requests === 1 ? 'The request is' : `All ${count(t.requests)} requests are`} answered.`;
  put(root, [
    el('p.lead', null, lead, ' ', el('span.quiet', null, made(t))),
    funnel(t),
    el('div.columns', null, failures(), time()),
    scores(),
    notes(),
  ]);
}

function made(t) {
  if (!t.files) return t.clips ? `${plural(t.clips, 'clip')}, no files yet.` : 'No clips were made.';
  return `${plural(t.files, 'file')} of ${lasting(t.file_seconds)}, ${size(t.bytes)}, from ${lasting(t.source_seconds)} of video.`;
}

function funnel(t) {
  const per = (n, of, one) => (of ? `${(n / of).toFixed(n / of < 10 ? 1 : 0)} a ${one}` : '');
  const share = (n, of) => (of ? `${Math.round((100 * n) / of)} %` : '');
  const stages = [
    ['requests', t.requests, 'asked for', '#requests'],
    ['valid', t.valid, share(t.valid, t.requests), '#requests'],
    ['sources', t.sources, 'distinct, decoded once', '#sources'],
    ['windows', t.candidates, per(t.candidates, t.answered, 'request'), '#sources'],
    ['clips', t.clips, t.clips ? `1 of ${count(Math.round(t.candidates / t.clips))} windows` : 'none chosen', '#clips'],
    ['variants', t.variants, t.variants ? per(t.variants, t.clips, 'clip') : 'none asked for', '#clips'],
    ['files', t.files, t.files ? size(t.bytes) : 'none rendered', '#clips'],
  ];
  const most = Math.log1p(Math.max(...stages.map((stage) => stage[1])));
  const stage = ([name, n, about, to]) =>
    el('li', null, el('a', { href: to },
      el('span.bar', { 'aria-hidden': 'true' }, el('span', { css: { height: `${n ? Math.max(4, (100 * Math.log1p(n)) / most) : 0}%` } })),
      el('strong', null, count(n)), el('span.name', null, name), el('small', null, about)));
  return panel('From requests to files', el('ol.funnel', null, stages.map(stage)),
    el('p.fine.heights', null, 'Heights are on a logarithmic scale.'));
}

function failures() {
  if (!report.failures.length) return panel('Failures', el('p.quiet', null, 'Nothing failed.'));
  const group = (f) => {
    const name = f.code || 'unknown';
    const link = f.what === 'requests' ? el('a', { href: `#requests/${encodeURIComponent(name)}` }, plural(f.count, 'request')) : plural(f.count, 'variant');
    return el('li', null,
      el('div.row', null, el('code', null, name), el('span.badge.bad', null, link), f.may_change && el('span.badge', { title: 'A later try may succeed without any change.' }, 'may pass')),
      el('p', null, f.meaning && el('span.quiet', null, f.meaning.replaceAll('`', ''), ' '), f.advice),
      f.example && el('details', null, el('summary', null, 'An example'), el('p', null, f.example, f.request && el('span.quiet', null, ` (request ${f.request})`))));
  };
  return panel('Failures', el('ul.failures', null, report.failures.map(group)), report.again && commands(report.again));
}

function commands(text) {
  const copy = button('Copy', async () => {
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(code);
    }
  });
  const code = el('pre', { tabindex: '0', 'aria-label': 'Commands' }, text);
  return el('div.commands', null, el('p', null, 'When the causes are gone, run just these again:'), code, copy);
}

const MEASURED = {
  clipflow_step_seconds_total: 'Steps of the run',
  clipflow_stage_seconds_total: 'Media work, as it passes',
  clipflow_row_duration_seconds: 'Media work, row by row',
  clipflow_row_wait_seconds: 'Waiting',
  clipflow_source_fetch_seconds: 'Fetching sources',
  clipflow_media_process_seconds: 'Media processes',
  clipflow_media_cpu_seconds_total: 'CPU of media processes',
};

// What a run measured, a list a metric.
function measured(stats) {
  const all = stats.find((s) => s.metric === 'clipflow_run_duration_seconds');
  const lists = [...byKey(stats.filter((s) => s !== all), 'metric')];
  const list = ([metric, rows]) => [el('h3', null, MEASURED[metric] || words(metric.replace(/^clipflow_|_total$/g, ''))),
    bars(rows.slice(0, 8).map((row) => [labelled(row.labels), row.seconds, null]))];
  return panel('Where the time went', el('p', null, all ? `The last run took ${lasting(all.seconds)}.` : 'Seconds of the last run.'), lists.map(list));
}

// The values of labels, which are a JSON object.
function labelled(labels) {
  try {
    return Object.values(JSON.parse(labels)).join(', ') || 'all';
  } catch {
    return labels || 'all';
  }
}

function time() {
  if (report.run_stats.length) return measured(report.run_stats);
  const slow = report.sources.filter((s) => s.seconds > 0).sort((a, b) => b.seconds - a.seconds);
  if (!slow.length) return panel('Where the time went', el('p.quiet', null, 'The results hold no times: everything was there already.'));
  const rows = slow.slice(0, 10).map((s) => [nameOf(s), s.seconds, `#sources/${s.id}`]);
  const all = slow.reduce((sum, s) => sum + s.seconds, 0);
  const speed = slow.reduce((sum, s) => sum + s.duration, 0) / all;
  return panel('Where the time went', bars(rows, `Seconds that a source took to be analysed and rendered${slow.length > 10 ? `: the slowest 10 of ${count(slow.length)}` : ''}. Together ${lasting(all)}, ${speed.toFixed(1)} seconds of video a second.`));
}

function bars(rows, about) {
  const most = Math.max(...rows.map((row) => row[1]));
  const line = ([name, seconds, to]) =>
    el('li', null, to ? el('a.name', { href: to, title: name }, name) : el('span.name', { title: name }, name),
      el('span.track', { 'aria-hidden': 'true' }, el('span', { css: { width: `${(100 * seconds) / most}%` } })), el('span.number', null, lasting(seconds)));
  return [el('ol.bars', null, rows.map(line)), about && el('p.fine', null, about)];
}

// How the scores of all windows and of the chosen ones are spread.
function scores() {
  if (!report.windows.length) return null;
  const steps = 40;
  const all = new Array(steps).fill(0);
  const chosen = new Array(steps).fill(0);
  for (const w of report.windows) {
    const isChosen = new Set(w.chosen);
    w.score.forEach((score, i) => {
      const at = clamp(Math.floor(score * steps), 0, steps - 1);
      all[at]++;
      if (isChosen.has(i)) chosen[at]++;
    });
  }
  const from = Math.max(0, all.findIndex(Boolean) - 1);
  const to = Math.min(steps, steps - [...all].reverse().findIndex(Boolean) + 1);
  const column = (counts, most, name) => counts.slice(from, to).map((n, i) =>
    el('rect', { class: name, x: i + 0.08, width: 0.84, y: 1 - n / most, height: n / most }));
  const chart = (counts, name, label) => el('figure', null,
    el('svg', { viewBox: `0 0 ${to - from} 1`, preserveAspectRatio: 'none', role: 'img', 'aria-label': `${label} by score` }, column(counts, Math.max(...counts, 1), name)),
    el('figcaption', null, el('span', null, fixed(from / steps)), el('span', null, label), el('span', null, fixed(to / steps))));
  return panel('Scores', el('div.histograms', null, chart(all, 'all', 'windows considered'), chart(chosen, 'chosen', 'windows chosen')));
}

function notes() {
  if (!report.about.notes.length) return null;
  return panel('What this page leaves out', el('ul', null, report.about.notes.map((note) => el('li', null, note))));
}
