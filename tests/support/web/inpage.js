/**
 * visit.ts runs this plain JavaScript inside the page. It holds checks in the manner of axe, each of which returns a
 * list of complaints, and what a test cannot do from outside.
 */
const CONTROLS = 'button, a[href], input, select, textarea, dialog, [role="progressbar"], nav, section, summary';
const REFERENCES = ['aria-labelledby', 'aria-describedby', 'for'];

globalThis.graphiumTest = { dropFile, findNameless, findBroken, findLowContrast, getOverflowPx, policyViolations: [] };

document.addEventListener('securitypolicyviolation', (event) => {
  graphiumTest.policyViolations.push(`${event.violatedDirective}: ${event.blockedURI}`);
});

/** Drops a file on the page, or only drags it over the page if `drop` is false. */
function dropFile(name, text, drop) {
  const transfer = new DataTransfer();
  transfer.items.add(new File([text], name, { type: 'application/json' }));
  const fire = (type) =>
    document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
  if (drop) fire('drop');
  else fire('dragenter');
}

function getOverflowPx() {
  return document.documentElement.scrollWidth - window.innerWidth;
}

/** Finds controls that a screen reader could not name. */
function findNameless() {
  return [...document.querySelectorAll(CONTROLS)]
    .filter((element) => isShown(element) && element.type !== 'hidden' && toName(element) === '')
    .map(describe);
}

function toName(element) {
  const by = element.getAttribute('aria-labelledby');
  const named = by
    ? by
        .split(' ')
        .map((id) => document.getElementById(id)?.textContent ?? '')
        .join(' ')
    : (element.getAttribute('aria-label') ?? '');
  if (named.trim()) return named.trim();
  if ('labels' in element && element.matches('input, select, textarea')) {
    return [...element.labels]
      .map((label) => label.textContent)
      .join(' ')
      .trim();
  }
  return element.matches('button, a, summary') ? element.textContent.trim() : '';
}

/** Checks the structure: one h1, no level skipped, unique ids, references that lead somewhere, lists of items. */
function findBroken() {
  return [
    ...findBadHeadings(),
    ...findBadRoot(),
    ...findDoubleIds(),
    ...REFERENCES.flatMap(findDeadReferences),
    ...findBadLists(),
    ...findTabIndexes(),
  ];
}

function findBadHeadings() {
  const headings = [...document.querySelectorAll('h1, h2, h3, h4')].filter(isShown);
  const levels = headings.filter((each) => !each.closest('dialog')).map((each) => Number(each.tagName[1]));
  const complaints = [];
  if (levels.filter((level) => level === 1).length !== 1) complaints.push(`h1: ${levels.join(' ')}`);
  if (levels.some((level, index) => index > 0 && level > levels[index - 1] + 1)) complaints.push(`skipped: ${levels}`);
  return complaints;
}

function findBadRoot() {
  const complaints = [];
  if (document.querySelectorAll('main').length !== 1) complaints.push('not exactly one main');
  if (!document.documentElement.lang) complaints.push('no lang');
  return complaints;
}

function findDoubleIds() {
  const ids = [...document.querySelectorAll('[id]')].map((each) => each.id);
  const doubles = [...new Set(ids)].filter((id) => ids.indexOf(id) !== ids.lastIndexOf(id));
  return doubles.map((id) => `id twice: ${id}`);
}

function findDeadReferences(attribute) {
  const leadsSomewhere = (id) => document.getElementById(id) !== null;
  return [...document.querySelectorAll(`[${attribute}]`)]
    .filter((element) => !element.getAttribute(attribute).split(' ').every(leadsSomewhere))
    .map((element) => `${attribute} of ${describe(element)} leads nowhere`);
}

function findBadLists() {
  return [...document.querySelectorAll('ul, ol')]
    .filter((list) => [...list.children].some((child) => child.tagName !== 'LI'))
    .map((list) => `${describe(list)} holds no item`);
}

function findTabIndexes() {
  return [...document.querySelectorAll('[tabindex]')]
    .filter((element) => element.tabIndex > 0)
    .map((element) => `tabindex of ${describe(element)}`);
}

/** Finds text whose contrast to its background is below 4.5:1, or below 3:1 if it is large. */
function findLowContrast() {
  const complaints = new Set();
  for (const node of listTexts(document.body)) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !isShown(element) || element.closest('.visually-hidden, .skip')) continue;
    const style = getComputedStyle(element);
    const behind = toBackground(element);
    const ratio = toRatio(over(toColour(style.color), behind), behind);
    const px = Number.parseFloat(style.fontSize);
    const large = px >= 24 || (px >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) complaints.add(`${ratio.toFixed(2)} ${describe(element)}`);
  }
  return [...complaints];
}

/** Includes the texts in shadow roots, where the editor is. */
function listTexts(root) {
  const texts = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) texts.push(node);
    else if (node.shadowRoot) texts.push(...[...node.shadowRoot.children].flatMap(listTexts));
  }
  return texts;
}

function toBackground(element) {
  const layers = [];
  for (let each = element; each; each = each.parentElement ?? each.getRootNode().host) {
    layers.unshift(toColour(getComputedStyle(each).backgroundColor));
    if (layers[0][3] === 1) break;
  }
  return layers.reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
}

function toColour(css) {
  const [red = 0, green = 0, blue = 0, alpha = 1] = (css.match(/[\d.]+/g) ?? []).map(Number);
  return [red, green, blue, alpha];
}

function over([red, green, blue, alpha], below) {
  const mix = (value, under) => value * alpha + under * (1 - alpha);
  return [mix(red, below[0]), mix(green, below[1]), mix(blue, below[2]), 1];
}

function toRatio(one, other) {
  const [darker, lighter] = [toLuminance(one), toLuminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

function toLuminance(colour) {
  const [red, green, blue] = colour.slice(0, 3).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function isShown(element) {
  return element.checkVisibility({ checkOpacity: false, checkVisibilityCSS: true });
}

function describe(element) {
  const text = element.textContent.trim().slice(0, 40);
  return `<${element.tagName.toLowerCase()} class="${element.className}">${text}`;
}
