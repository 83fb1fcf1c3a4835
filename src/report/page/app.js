// The frame of the page: views by address, keys, and light or dark.

const VIEWS = [
  ['overview', 'Overview', overview],
  ['sources', 'Sources', sources],
  ['clips', 'Clips', gallery],
  ['requests', 'Requests', requests],
  ['posted', 'Performance', posted],
];
const KEYS = [
  ['1 – 5', 'go to a view'], ['/', 'search'], ['t', 'light, dark or as the system'], ['?', 'these keys'],
  ['← →', 'previous and next clip; on a timeline: earlier and later'], ['↑ ↓', 'on a timeline: better and worse windows'], ['+ − 0', 'on a timeline: zoom in, out, all'], ['j k', 'next and previous source'], ['space', 'play or pause an open clip'], ['Esc', 'close'],
];

const page = { main: null, view: null, name: null, links: new Map() };

function frame() {
  const link = ([name, title], n) => {
    const node = el('a', { href: `#${name}`, title: `Key ${n + 1}` }, title, badge(name));
    page.links.set(name, node);
    return node;
  };
  page.main = el('main', { id: 'main', tabindex: '-1' });
  const made = report.about.made.replace('T', ' ').replace('Z', ' UTC');
  put(document.getElementById('app'), [
    el('a.skip', { href: '#main', on: { click: (event) => { event.preventDefault(); page.main.focus(); } } }, 'Skip to the content'),
    el('header.top', null,
      el('div.brand', null, el('h1', null, fileName(report.about.results) || 'results'), el('p', { title: report.about.results }, `clipflow ${report.about.version} · ${made}`)),
      el('nav', { 'aria-label': 'Views' }, VIEWS.map(link)),
      el('div.tools', null, button('Keys', keysDialog, 'help'), themeButton())),
    page.main,
  ]);
}

function badge(name) {
  const t = report.totals;
  const n = { sources: t.sources, clips: t.clips, requests: t.requests }[name];
  return n ? el('small', null, count(n)) : null;
}

const THEMES = { auto: ['half', 'As the system'], light: ['sun', 'Light'], dark: ['moon', 'Dark'] };

function stored(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(name);
    localStorage.setItem(name, value);
  } catch {
    // Pages of files may have no storage.
  }
  return null;
}

let turnTheme = () => {};

function themeButton() {
  const names = Object.keys(THEMES);
  let theme = names.includes(stored('clipflow-theme')) ? stored('clipflow-theme') : 'auto';
  const node = button('Theme', () => turnTheme(), 'half');
  const apply = () => {
    document.documentElement.dataset.theme = theme;
    const [name, title] = THEMES[theme];
    fill(node, icon(name));
    node.title = `Theme: ${title.toLowerCase()}`;
    node.setAttribute('aria-label', node.title);
  };
  turnTheme = () => {
    theme = names[(names.indexOf(theme) + 1) % names.length];
    stored('clipflow-theme', theme);
    apply();
    if (page.main && page.name === 'sources') show();
  };
  apply();
  return node;
}

function keysDialog() {
  if (document.querySelector('dialog.keys')) return;
  const dialog = el('dialog.keys', { 'aria-labelledby': 'keys-title', on: { close: () => dialog.remove(), click: (event) => { if (event.target === dialog) dialog.close(); } } },
    el('header.row', null, el('h2', { id: 'keys-title' }, 'Keys'), el('span.spring'), button('Close', () => dialog.close(), 'close')),
    el('dl', null, KEYS.map(([key, text]) => [el('dt', null, el('kbd', null, key)), el('dd', null, text)])));
  document.body.append(dialog);
  dialog.showModal();
}

// Shows the view that the address names: #view/of/what.
function show() {
  const names = location.hash.slice(1).split('/').map(decoded);
  const [name, title, draw] = VIEWS.find(([known]) => known === names[0]) || VIEWS[0];
  const isSame = page.name === name;
  const top = window.scrollY;
  if (page.view && page.view.end) page.view.end();
  page.main.replaceChildren();
  page.main.className = name;
  document.title = `${title} · ${fileName(report.about.results)} · clipflow`;
  for (const [known, link] of page.links) {
    if (known === name) {
      link.setAttribute('aria-current', 'page');
      const nav = link.parentElement;
      nav.scrollLeft = link.offsetLeft - nav.offsetLeft - (nav.clientWidth - link.offsetWidth) / 2;
    } else link.removeAttribute('aria-current');
  }
  page.name = name;
  const root = el('div.view');
  page.main.append(root);
  page.view = draw(root, names[1], names[2]) || null;
  window.scrollTo(0, isSame && name === 'clips' ? top : 0);
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function keys(event) {
  const isTyping = event.target.matches && event.target.matches('input, select, textarea');
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (isTyping) {
    if (event.key === 'Escape') event.target.blur();
    return;
  }
  const isOpen = document.querySelector('dialog[open]');
  if (page.view && page.view.key && page.view.key(event)) {
    event.preventDefault();
    return;
  }
  if (isOpen) return;
  const view = VIEWS[Number(event.key) - 1];
  if (view) location.hash = `#${view[0]}`;
  else if (event.key === '/') {
    const field = document.querySelector('[data-search]');
    if (field) field.focus();
    event.preventDefault();
  } else if (event.key === 't') turnTheme();
  else if (event.key === '?') keysDialog();
}

frame();
show();
window.addEventListener('hashchange', show);
// What is drawn on canvas does not follow the colours by itself.
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => page.name === 'sources' && show());
document.addEventListener('keydown', keys);
