/* The search screen: draws the view that Python sends, and tells Python what the reader does.
 *
 * All words reach the page as text nodes, never as markup. */

const SVG = "http://www.w3.org/2000/svg";
const COLORS = 6;
const SWATCHES = {
  Dark: "#24221f", Medium: "#85827c", Light: "#f1eee8", Brown: "#7b4f2e", Red: "#d12b2b", Pink: "#f29ac0",
  Yellow: "#f2c91d", Orange: "#f07f1d", Green: "#3b9150", Blue: "#2f6bd6", Purple: "#7d45b8",
  Multicolor: "conic-gradient(#e33,#fb0,#4b5,#29d,#85d,#e33)",
};
const MODES = {
  strict: ["Strict", "only people who surely fit"],
  balanced: ["Balanced", "people who fit more likely than not"],
  recall: ["Recall", "everybody who may fit"],
};
const SORTS = { score: ["Best", "the best match first"], time: ["Newest", "the latest photograph first"] };
const LENS = "M11 4a7 7 0 1 0 4.4 12.4l4.1 4.1 1.4-1.4-4.1-4.1A7 7 0 0 0 11 4Zm0 2a5 5 0 1 1 0 10 5 5 0 0 1 0-10Z";

/** An element; children that are null or false are left out. Its `key` tells it from others when all is drawn anew. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "key") element.dataset.key = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function icon(box, ...paths) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", box);
  svg.setAttribute("aria-hidden", "true");
  for (const [d, fill] of paths) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    path.setAttribute("fill", fill ?? "currentColor");
    svg.append(path);
  }
  return svg;
}

/** A figure in four pieces of clothing: the program's mark, and plain where nobody was found. */
function figure(colors = ["currentColor", "currentColor", "currentColor", "currentColor"]) {
  return icon(
    "0 0 22 28",
    ["M11 0a4 4 0 1 1 0 8 4 4 0 0 1 0-8Z", colors[0]],
    ["M4.5 9.5h13A2.5 2.5 0 0 1 20 12v6h-3.5v-4h-1v4.5h-9V14h-1v4H2v-6a2.5 2.5 0 0 1 2.5-2.5Z", colors[1]],
    ["M6.5 19.5h4V26h-4z", colors[2]],
    ["M11.5 19.5h4V26h-4z", colors[3]],
  );
}

const percent = (p) => `${Math.round(100 * p)}%`;
const count = (n, one, many) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
const tint = (position) => `var(--c${position % COLORS})`;

/** Of `elements` the one nearest to `here` in the next row, below it (by = 1) or above it (by = -1). */
function nearest(here, elements, by) {
  const place = (element) => element.getBoundingClientRect();
  const middle = (element) => place(element).left + place(element).width / 2;
  const beyond = elements.filter((element) => by * (place(element).top - place(here).top) > 1);
  const row = Math.min(...beyond.map((element) => by * place(element).top));
  return beyond.filter((element) => by * place(element).top < row + 1)
    .sort((a, b) => Math.abs(middle(a) - middle(here)) - Math.abs(middle(b) - middle(here)))[0];
}

class Screen {
  constructor(parent, emit) {
    this.emit = emit;
    this.input = h("input", {
      type: "search", name: "description", autocomplete: "off", spellcheck: "false", maxlength: 500,
      placeholder: "red coat, blue jeans, no hat", "aria-label": "Describe someone",
      oninput: () => { this.typed = this.root.classList.contains("busy"); },
    });
    this.form = h("form", { class: "search", role: "search", onsubmit: (event) => this.submit(event) },
      icon("0 0 24 24", [LENS]), this.input, h("kbd", { title: "press / to search" }, "/"),
      h("button", { class: "go", type: "submit", key: "go" }, "Search"));
    this.asked = 0; // how often Python was told something; its answers say which time they answer
    this.typed = false; // whether the box was edited since: the answer then leaves it alone
    this.at = null; // the person who is open, or will be
    this.correcting = false; // whether the labels of the open person can be changed
    this.root = h("div", { class: "signalement" });
    this.said = h("p", { class: "unseen", role: "status" }); // stays where it is, or nothing would be read out
    for (const kind of ["keydown", "keyup", "keypress"]) {
      this.root.addEventListener(kind, (event) => event.stopPropagation()); // Streamlit has shortcuts on single letters
    }
    this.root.addEventListener("keydown", (event) => this.keys(event));
    this.onkey = (event) => this.keys(event);
    document.addEventListener("keydown", this.onkey);
    parent.append(this.root, this.said); // beside the style sheet
  }

  tell(action, details = {}) {
    this.root.classList.add("busy");
    this.typed = false;
    this.asked += 1;
    this.at = details.person_id ?? null;
    this.emit({ action, ...details, asked: this.asked });
  }

  submit(event) {
    event.preventDefault();
    this.tell("search", { text: this.input.value });
  }

  keys(event) {
    const typing = event.target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.input.focus();
      this.input.select();
    } else if (this.view?.person && !typing && event.key === "ArrowLeft") this.step(-1);
    else if (this.view?.person && !typing && event.key === "ArrowRight") this.step(1);
    else if (event.key.startsWith("Arrow") && !typing) this.walk(event);
  }

  /** Moves the focus from one picture to the next, or to the nearest one of the row above or below. */
  walk(event) {
    const here = this.root.getRootNode().activeElement;
    if (!here?.matches("[data-person]")) return;
    const all = [...this.root.querySelectorAll("[data-person]")];
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }[event.key];
    const isAcross = event.key === "ArrowUp" || event.key === "ArrowDown";
    const next = isAcross ? nearest(here, all, by) : all[all.indexOf(here) + by];
    if (next) {
      event.preventDefault();
      next.focus();
    }
  }

  /** Opens the hit before or after the one asked for last, on this page of results. */
  step(by) {
    const ids = (this.view.results?.matches ?? []).map((match) => match.person_id);
    const next = ids[ids.indexOf(this.at) + by];
    if (ids.includes(this.at) && next !== undefined) this.tell("open", { person_id: next });
  }

  show(view) {
    const turned = this.view && (this.view.query !== view.query || this.view.page !== view.page);
    const held = this.focused();
    const isSame = this.view?.person?.person_id === view.person?.person_id;
    if (!isSame) this.correcting = false;
    const closed = this.view?.person && !view.person ? this.view.person.person_id : null;
    const scrolled = isSame ? this.root.querySelector(".side")?.scrollTop ?? 0 : 0;
    this.settle(view);
    this.view = view;
    const start = !view.query && !view.error;
    this.root.replaceChildren(this.top(start), ...(view.notice && !view.person ? [this.notice()] : []),
      ...(start ? this.start() : [view.error ? this.failed() : this.found()]));
    this.said.textContent = view.results && !view.error ? this.number(view.results) : "";
    if (view.person) this.detail(view.person, scrolled);
    this.refocus(held, closed);
    if (turned && !view.person) this.root.scrollIntoView({ block: "start" });
  }

  /** Takes over what an answer says of the box and the open person, unless something later has been asked. */
  settle(view) {
    if (view.answers !== null && view.answers < this.asked) return;
    if (!this.typed && this.view?.text !== view.text) this.input.value = view.text;
    this.typed = false;
    this.at = view.person?.person_id ?? null;
    this.root.classList.remove("busy");
  }

  /** The element of this screen that has the focus, or null. */
  focused() {
    const here = this.root.getRootNode().activeElement;
    return here && this.root.contains(here) ? here : null;
  }

  /** Gives the focus back: to the opener of a person who was closed, to the control that had it, or to the heading. */
  refocus(held, closed) {
    const dialog = this.root.querySelector("dialog");
    const find = (key) => key && (dialog ?? this.root).querySelector(`[data-key="${CSS.escape(key)}"]:not(:disabled)`);
    if (!held && !dialog && !closed) return;
    const same = held === this.input && !dialog ? held : find(closed ? `person ${closed}` : held?.dataset.key);
    const target = same ?? dialog ?? this.root.querySelector("h1, h2");
    if (target.matches("h1, h2")) target.tabIndex = -1;
    target.focus({ preventScroll: true });
  }

  number(results) {
    return results.total ? count(results.total, "person", "people") : "Nobody fits";
  }

  top(start) {
    const mark = figure(["var(--accent)", "var(--ink)", "var(--muted)", "var(--muted)"]);
    return h("header", { class: start ? "top" : "top compact" },
      h("div", { class: "bar" },
        h("a", { class: "wordmark", href: "./", onclick: (event) => { event.preventDefault(); this.tell("home"); } },
          mark, "Signalement"),
        start ? null : this.form,
        h("nav", {}, this.view.links.map((link) =>
          h("a", { href: link.href, target: "_self", "aria-current": link.current ? "page" : null }, link.label)))),
      h("div", { class: "progress" }));
  }

  start() {
    const { people, images } = this.view.totals;
    const known = people
      ? `${count(people, "person", "people")} in ${count(images, "photograph", "photographs")}, found by what they wear.`
      : "Nobody is here yet. Add photographs, and describe who you are looking for.";
    return [
      h("section", { class: "hero" },
        h("h1", {}, "Describe someone."), h("p", {}, known), this.form,
        h("div", { class: "examples" }, this.view.examples.map((text) => this.example(text)))),
      h("section", { class: "wall", "aria-label": "People in this gallery" }, this.view.wall.map((person) =>
        h("button", { "aria-label": `open person ${person.person_id}`, "data-person": person.person_id,
          key: `person ${person.person_id}`, onclick: () => this.tell("open", { person_id: person.person_id }) },
          h("img", { src: person.crop, alt: "", width: person.width, height: person.height, loading: "lazy" })))),
    ];
  }

  example(text) {
    const ask = () => { this.input.value = text; this.tell("search", { text }); };
    return h("button", { class: "pill", key: `example ${text}`, onclick: ask }, text);
  }

  failed() {
    return h("section", { class: "notice", role: "alert" }, figure(), h("h2", {}, this.view.error.title),
      h("p", {}, this.view.error.sentence),
      h("div", { class: "examples" }, this.view.examples.map((text) => this.example(text))));
  }

  /** What went wrong beside what is shown. */
  notice() {
    const { title, sentence } = this.view.notice;
    return h("p", { class: "beside", role: "alert" }, h("b", {}, title), sentence);
  }

  found() {
    const { results } = this.view;
    return h("main", { class: results.total ? "page" : "page empty" },
      results.total ? this.facets() : null,
      h("div", {}, this.chips(), results.total ? this.hits() : this.nobody()));
  }

  chips() {
    const { chips, unknown, corrections } = this.view;
    return h("div", { class: "chips", role: "group", "aria-label": "What was understood" },
      chips.map((chip) => h("span", { class: chip.negated ? "chip denied" : "chip", title: chip.clause },
        h("i", { style: { background: chip.negated ? "var(--muted)" : tint(chip.color) } }),
        h("span", {}, chip.label), chip.weight === 1 ? null : h("small", {}, `×${chip.weight}`),
        h("button", { title: `remove ${chip.label}`, "aria-label": `remove ${chip.label}`,
          key: `chip ${chip.clause}`, onclick: () => this.tell("query", { query: chip.without }) }, "×"))),
      corrections.map(({ typed, read }) => h("span", { class: "chip corrected" }, `“${typed}” read as “${read}”`)),
      unknown.map((word) => h("span", { class: "chip unknown" }, h("s", {}, word), h("small", {}, "not understood"))));
  }

  hits() {
    const { results, mode, sort, page } = this.view;
    const close = (event) => {
      const menu = event.currentTarget.closest("details");
      menu.open = false;
      menu.querySelector("summary").focus();
    };
    const choose = (name, labels, value) => h("div", { class: "segments", role: "group", "aria-label": name },
      Object.entries(labels).map(([label, [words, title]]) => h("button", { "aria-pressed": String(label === value), title,
        key: `${name} ${label}`, onclick: () => this.tell("set", { [name]: label }) }, words)));
    return h("div", {},
      h("div", { class: "heading" },
        h("h2", { class: "number" }, this.number(results),
          results.pages > 1 ? h("small", {}, `page ${page} of ${results.pages}`) : null),
        choose("mode", MODES, mode), choose("sort", SORTS, sort),
        h("details", { class: "tool" }, h("summary", { key: "export" }, "Export"), h("div", { class: "menu" },
          Object.entries(results.exports).map(([kind, url]) => h("a", { href: url, download: true, onclick: close },
            { csv: "Table (CSV)", json: "Records (JSON)", zip: "Pictures (ZIP)" }[kind]))))),
      h("div", { class: "grid" }, results.matches.map((match) => this.hit(match))),
      results.less_sure ? this.less_sure(results) : null,
      results.pages > 1 ? this.pages(page, results.pages) : null);
  }

  /** The way to those who may fit, but less surely. */
  less_sure(results) {
    const people = count(results.less_sure, "person", "people");
    return h("button", { class: "more", key: "less sure", onclick: () => this.tell("set", { mode: "recall" }) },
      h("span", {}, results.total ? "Show less sure matches too" : "Show less sure matches"),
      results.expected_further ? h("small", {}, `about ${results.expected_further} of them expected to fit`) : null,
      h("b", { class: "number" }, results.total ? `${people} more` : people));
  }

  hit(match) {
    const open = () => this.tell("open", { person_id: match.person_id });
    return h("article", { class: "hit" },
      h("div", { class: "frame" },
        h("button", { class: "picture", "data-person": match.person_id, onclick: open,
          key: `person ${match.person_id}`, "aria-label": named(match) },
          h("img", { class: "back", src: match.crop, alt: "", loading: "lazy" }),
          h("img", { class: "front", src: match.crop, alt: "", loading: "lazy" }),
          match.clauses.filter((clause) => clause.outline).map((clause) =>
            h("img", { class: "outline", src: clause.outline, alt: "", loading: "lazy" })),
          h("span", { class: "rank number" }, String(match.rank))),
        match.like ? h("button", { class: "alike", key: match.like,
          onclick: () => this.tell("query", { query: match.like }) }, "More like this") : null),
      this.bars(match.clauses),
      h("div", { class: "where", title: match.image }, match.name));
  }

  bars(clauses) {
    return h("div", { class: "bars" }, clauses.map((clause) =>
      h("div", { title: `${clause.clause}: ${percent(clause.p)}` },
        h("span", {}, clause.label), h("b", { class: "number" }, percent(clause.p)),
        h("u", {}, h("i", { style: { width: percent(clause.p),
          background: clause.negated ? "var(--muted)" : tint(clause.color) } })))));
  }

  pages(page, last) {
    const turn = (to, label) => h("button", { disabled: to < 1 || to > last, key: label,
      onclick: () => this.tell("set", { page: to }) }, label);
    return h("nav", { class: "pages", "aria-label": "Pages" }, turn(page - 1, "← Previous"),
      h("span", { class: "number muted" }, `${page} / ${last}`), turn(page + 1, "Next →"));
  }

  nobody() {
    if (!this.view.results.searched) return this.nobodyYet();
    const { relaxations: ways, results } = this.view;
    const start = ways.length || results.less_sure ? "Ask for a little less:" : "Nobody comes close. Try another description:";
    const asked = this.view.chips.length > 1 ? "all of that" : "that";
    return h("section", { class: "notice" }, figure(), h("h2", {}, `Nobody fits ${asked}`),
      h("p", {}, start),
      h("div", { class: "ways" }, results.less_sure ? this.less_sure(results) : null,
        ways.map((way) => h("button", { key: way.label, onclick: () => this.tell("query", { query: way.query }) },
          h("span", {}, way.label), h("b", { class: "number" }, count(way.count, "person", "people"))))),
      ways.length || results.less_sure ? null
        : h("div", { class: "examples" }, this.view.examples.map((text) => this.example(text))));
  }

  nobodyYet() {
    return h("section", { class: "notice" }, figure(), h("h2", {}, "Nobody is here yet"),
      h("p", {}, "There are no photographs to search in."),
      h("div", { class: "ways" }, h("a", { class: "main", href: "./ingest", target: "_self" }, "Add photographs")));
  }

  facets() {
    const wide = window.matchMedia("(min-width: 901px)").matches;
    return h("details", { class: "facets", open: wide }, h("summary", { key: "facets" }, "Narrow down"),
      this.view.facets.map((facet) => h("section", {}, h("h3", {}, facet.title), facet.values.map((value) =>
        h("button", { class: "facet", key: `${facet.title} ${value.label}`,
          onclick: () => this.tell("query", { query: value.query }) },
          SWATCHES[value.label] ? h("i", { style: { background: SWATCHES[value.label] } }) : null,
          h("span", {}, value.words), h("b", { class: "number" }, value.count.toLocaleString("en")))))));
  }

  /** One person over everything else, the text beside the photograph scrolled down by `scrolled` pixels. */
  detail(person, scrolled) {
    const dialog = h("dialog", { "aria-label": person.title, tabindex: "-1",
      oncancel: (event) => { event.preventDefault(); this.tell("close"); },
      onclose: () => this.tell("close") },
      h("div", { class: "detail" }, this.stage(person), this.side(person)));
    this.root.append(dialog);
    dialog.showModal();
    dialog.querySelector(".side").scrollTop = scrolled;
  }

  stage(person) {
    const others = person.others.map((other) => h("button", { class: "other", title: `Open person ${other.person_id}`,
      key: `other ${other.person_id}`,
      style: { left: percent4(other.left), top: percent4(other.top), width: percent4(other.width), height: percent4(other.height) },
      onclick: () => this.tell("open", { person_id: other.person_id }) }));
    const ids = (this.view.results?.matches ?? []).map((match) => match.person_id);
    const at = ids.indexOf(person.person_id);
    return h("div", { class: "stage" },
      h("div", { class: "photo" }, h("img", { src: person.photo, alt: `photograph ${person.name}` }),
        h("img", { class: "outline marked", src: person.spotlight, alt: "" }),
        person.outlines.map((outline) => h("img", { class: "outline", "data-group": outline.group, src: outline.url, alt: "" })),
        h("img", { class: "outline pointed", alt: "", style: { display: "none" } }), others),
      at > 0 ? h("button", { class: "step previous", "aria-label": "previous person", key: "previous",
        onclick: () => this.step(-1) }, "←") : null,
      at >= 0 && at < ids.length - 1
        ? h("button", { class: "step next", "aria-label": "next person", key: "next", onclick: () => this.step(1) }, "→") : null);
  }

  side(person) {
    const clothes = person.attributes.filter((row) => row.color), visible = person.attributes.filter((row) => !row.color);
    return h("aside", { class: "side" },
      h("header", {}, h("h2", {}, person.title),
        h("button", { class: "close", "aria-label": "close", onclick: () => this.tell("close") }, "×")),
      h("div", { class: "muted" }, person.subtitle),
      this.view.notice ? this.notice() : null,
      person.clauses.length ? this.bars(person.clauses) : null,
      this.actions(person),
      person.attributes.length ? null : h("p", { class: "muted" }, "Nothing that they wear can be made out."),
      clothes.length ? this.clothes(clothes, person) : null,
      visible.length ? h("p", { class: "visible" }, "Also visible: ", visible.map((row) =>
        h("button", { key: `visible ${row.group}`, ...this.pointing(row) }, row.name.toLowerCase(),
          h("small", { class: "number" }, percent(row.score))))) : null,
      person.alike.length ? h("section", { class: "looks" }, h("h3", {}, "Look alike"),
        h("div", {}, person.alike.map((one) => h("button", { "aria-label": `open person ${one.person_id}`,
          key: `look ${one.person_id}`, title: `Person ${one.person_id}, similarity ${percent(one.similarity)}`,
          onclick: () => this.tell("open", { person_id: one.person_id }) },
          h("img", { src: one.crop, alt: "", loading: "lazy" }))))) : null,
      h("dl", { class: "facts" }, person.facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
  }

  /** What can be searched from a person; nothing that would find nobody. */
  actions({ like, outfit, outfit_mode: mode, photo_full: photo }) {
    return h("div", { class: "actions" },
      like ? h("button", { class: "main", onclick: () => this.tell("query", { query: like }) }, "More like this") : null,
      outfit ? h("button", { onclick: () => this.tell("query", { query: outfit, mode }) }, "Search this outfit") : null,
      h("a", { href: photo, target: "_blank", rel: "noopener" }, "Full photograph"));
  }

  /** The table of what somebody wears, and the way to correct it. */
  clothes(rows, person) {
    const names = ["Seen", "Color", "Size", "Pattern"];
    return [
      h("table", { class: this.correcting ? "correcting" : null },
        h("thead", {}, h("tr", {}, names.map((name) => h("th", {}, name)))),
        h("tbody", {}, rows.map((row) => this.attribute(row, person)))),
      this.correcting ? h("p", { class: "muted" }, "Corrections serve the next training, not the search.") : null,
      h("button", { class: "correct", key: "correct", "aria-pressed": String(this.correcting),
        onclick: () => this.correct(person) }, this.correcting ? "Done" : "Something is wrong here"),
    ];
  }

  /** What makes an element outline a part of the person on the photograph while it is pointed at, tapped or focused. */
  pointing(row) {
    const show = () => this.point(row.outline);
    const hide = () => this.point(null);
    return { onmouseenter: show, onmouseleave: hide, onfocusin: show, onfocusout: hide };
  }

  point(url) {
    const pointed = this.root.querySelector(".pointed");
    if (!pointed) return; // the focus leaves what is being drawn anew
    if (url) pointed.src = url;
    pointed.style.display = url ? "" : "none";
    for (const outline of this.root.querySelectorAll(".photo .outline[data-group]")) outline.style.opacity = url ? 0 : 1;
  }

  /** Lets the reader choose other labels, or no longer. */
  correct(person) {
    this.correcting = !this.correcting;
    const before = this.root.querySelector(".side"), scrolled = before.scrollTop;
    const side = this.side(person);
    before.replaceWith(side);
    side.scrollTop = scrolled;
    side.querySelector(".correct").focus({ preventScroll: true });
  }

  attribute(row, person) {
    const reached = this.correcting ? {} : { tabindex: "0", key: `row ${row.group}` }; // else by what is chosen in it
    return h("tr", { ...reached, ...this.pointing(row) }, ["attribute", "color", "size", "pattern"].map((task) =>
      h("td", {}, this.correcting ? this.choice(row, task, person) : this.label(row, task))));
  }

  /** A label in words, as a reader has corrected it or as it was seen. */
  label(row, task) {
    const seen = task === "attribute" ? { words: row.name, p: row.score } : row[task];
    const shown = row.corrected[task] ?? seen;
    if (!shown) return "–";
    return [
      task === "color" ? h("span", { class: "swatch", style: { background: SWATCHES[shown.label] } }) : null,
      shown.words, h("small", { class: "number" }, row.corrected[task] ? "corrected" : percent(seen.p))];
  }

  /** The labels to choose from; the one that was seen takes a correction back. */
  choice(row, task, person) {
    const seen = task === "attribute" ? row.group : row[task]?.label ?? "";
    const corrected = row.corrected[task]?.label;
    const known = person.choices[task].some(([label]) => label === seen);
    const choices = known ? person.choices[task] : [[seen, seen ? row.name.toLowerCase() : "–"], ...person.choices[task]];
    return h("select", { "aria-label": `${task} of ${row.name.toLowerCase()}`, key: `${task} of ${row.group}`,
      onchange: (event) =>
        this.tell("correct", { person_id: person.person_id, group: row.group, task, label: event.target.value }) },
      choices.map(([label, words]) => h("option", { value: label, selected: label === (corrected ?? seen), disabled: !label },
        corrected && label === seen ? `${words} (as seen)` : words)));
  }
}

/** A hit in words: whose it is, and what tells it from the others. */
function named(match) {
  const fits = match.clauses.map((clause) => `${clause.label} ${percent(clause.p)}`).join(", ");
  return `open person ${match.person_id}, number ${match.rank}, in ${match.name}${fits ? `: ${fits}` : ""}`;
}

const percent4 = (share) => `${(100 * share).toFixed(3)}%`;
const screens = new WeakMap();

export default function render({ data, parentElement, setTriggerValue }) {
  let screen = screens.get(parentElement);
  if (!screen) {
    screen = new Screen(parentElement, (event) => setTriggerValue("event", event));
    screens.set(parentElement, screen);
  }
  screen.emit = (event) => setTriggerValue("event", event);
  if (data && screen.view?.serial !== data.serial) screen.show(data);
  return () => document.removeEventListener("keydown", screen.onkey);
}
