// Elements, numbers and times. Text of the results only ever becomes text nodes and attributes.

const SVG = 'http://www.w3.org/2000/svg';
const SYMBOLS = new Set(['svg', 'path', 'rect', 'line', 'circle', 'g', 'text', 'title']);

// An element: `el('a.quiet', { href: '#x', on: { click } }, 'text', child)`.
function el(what, props, ...children) {
  const [tag, ...classes] = what.split('.');
  const node = tag !== 'title' && SYMBOLS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  if (classes.length) node.setAttribute('class', classes.join(' '));
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else if (name === 'css') {
      for (const [property, of] of Object.entries(value)) node.style.setProperty(property, of);
    } else if (name === 'value' || name === 'checked' || name === 'muted') {
      node[name] = value;
    } else {
      node.setAttribute(name, value === true ? '' : value);
    }
  }
  put(node, children);
  return node;
}

// Appends nodes and texts; lists are taken apart, and what is missing is left out.
function put(node, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

function fill(node, ...children) {
  node.replaceChildren();
  return put(node, children);
}

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

function count(n) {
  return grouped.format(n);
}

function plural(n, one, many) {
  return `${count(n)} ${n === 1 ? one : many || one + 's'}`;
}

function fixed(value, digits = 2) {
  return value === null || value === undefined ? '–' : value.toFixed(digits);
}

function percent(value, digits = 1) {
  return value === null || value === undefined ? '–' : `${(100 * value).toFixed(digits)} %`;
}

// 1:05.2, or 1:05 without tenths.
function clock(seconds, tenths = false) {
  const all = Math.max(0, tenths ? Math.round(seconds * 10) / 10 : Math.round(seconds));
  const hours = Math.floor(all / 3600);
  const minutes = Math.floor(all / 60) % 60;
  const rest = (all % 60).toFixed(tenths ? 1 : 0).padStart(tenths ? 4 : 2, '0');
  return hours ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

function span(start, end) {
  return `${clock(start, true)}–${clock(end, true)}`;
}

// 950 ms, 12.3 s, 4 min 10 s, 2 h 5 min.
function lasting(seconds) {
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 100) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

function size(bytes) {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(0)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

function words(name) {
  return name.replaceAll('_', ' ');
}

// The last name of a path or URL.
function fileName(location) {
  const path = (location || '').split(/[?#]/)[0].replace(/\/+$/, '');
  return path.slice(path.lastIndexOf('/') + 1) || location || 'unknown';
}

function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

// Calls `act` once for many calls within a frame.
function oncePerFrame(act) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      act();
    });
  };
}

const ICONS = {
  play: 'M6 4l12 8-12 8z',
  close: 'M5 5l14 14M19 5L5 19',
  left: 'M15 5l-7 7 7 7',
  right: 'M9 5l7 7-7 7',
  sun: 'M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M5 19l2-2M17 7l2-2',
  moon: 'M20 14.5A8.5 8.5 0 019.5 4 8.5 8.5 0 1020 14.5z',
  half: 'M12 3a9 9 0 100 18 9 9 0 000-18zM12 3v18',
  help: 'M9 9a3 3 0 115 2.2c-1.2.9-2 1.4-2 2.8M12 18v.5',
  search: 'M11 4a7 7 0 100 14 7 7 0 000-14zM16 16l5 5',
  film: 'M4 5h16v14H4zM8 5v14M16 5v14M4 10h4M4 14h4M16 10h4M16 14h4',
};

function icon(name) {
  const path = el('path', { d: ICONS[name], fill: name === 'play' ? 'currentColor' : 'none' });
  return el('svg.icon', { viewBox: '0 0 24 24', 'aria-hidden': 'true' }, path);
}

function button(label, act, name, more) {
  const content = name ? icon(name) : label;
  return el('button', { type: 'button', title: name ? label : null, 'aria-label': name ? label : null, on: { click: act }, ...more }, content);
}

function empty(title, text) {
  return el('div.empty', null, el('h2', null, title), el('p', null, text));
}

// A labelled section of a view.
function panel(title, ...content) {
  const id = `h-${title.toLowerCase().replace(/[^a-z]+/g, '-')}`;
  return el('section.panel', { 'aria-labelledby': id }, el('h2', { id }, title), content);
}
