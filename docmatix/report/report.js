"use strict";
// Shows the gallery. Text of the run is only ever set as text (textContent, value), never as markup.
(() => {
  const byId = (id) => document.getElementById(id);
  const make = (tag, className, text) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const words = (name) => name.replaceAll("_", " ");
  const spell = (number) => number.toLocaleString("en");
  const count = (number, one) => `${spell(number)} ${one}${number === 1 ? "" : "s"}`;

  // --- theme ---------------------------------------------------------------------------------------------------------

  const THEMES = ["auto", "light", "dark"];
  const remember = (theme) => {
    try {
      localStorage.setItem("docmatix-theme", theme);
    } catch {
      // a file share may have no storage: the choice holds until the page is closed
    }
  };
  const recall = () => {
    try {
      return localStorage.getItem("docmatix-theme");
    } catch {
      return null;
    }
  };
  const applyTheme = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    byId("theme").textContent = theme[0].toUpperCase() + theme.slice(1);
    byId("theme").dataset.now = theme;
  };
  applyTheme(THEMES.includes(recall()) ? recall() : "auto");
  byId("theme").addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(byId("theme").dataset.now) + 1) % THEMES.length];
    applyTheme(next);
    remember(next);
  });

  // --- what is shown -------------------------------------------------------------------------------------------------

  const index = JSON.parse(byId("index").textContent);
  const albums = new Map();
  const readAlbum = (number) => {
    if (!albums.has(number)) albums.set(number, JSON.parse(byId(`album-${number}`).textContent));
    return albums.get(number);
  };

  const form = byId("filters");
  const field = (name) => form.elements.namedItem(name);
  const state = { tab: "kept", at: 0, shown: [], lit: -1 };

  const NO_FILTERS = { text: "", reason: "", prompt: "", style: "", score: "", from: 0, to: 1 };
  const TABS = ["kept", "dropped", "facts"];
  const listOf = (sample, tab = state.tab) =>
    tab === "facts" ? sample.facts : sample.pairs.filter((pair) => (tab === "kept") === (pair.reason === ""));
  const readFilters = () => {
    const from = Number(field("from").value);
    const to = Number(field("to").value);
    if (state.tab === "facts") return { ...NO_FILTERS, text: field("text").value.trim().toLowerCase() };
    return {
      text: field("text").value.trim().toLowerCase(),
      reason: state.tab === "dropped" ? field("reason").value : "",
      prompt: field("prompt").value,
      style: field("style").value,
      score: field("score").value,
      from: Math.min(from, to),
      to: Math.max(from, to),
    };
  };
  const matches = (pair, sample, filters) => {
    if (filters.reason && pair.reason !== filters.reason) return false;
    if (filters.prompt && pair.prompt !== filters.prompt) return false;
    if (filters.style && pair.style !== filters.style) return false;
    if (filters.score && (filters.from > 0 || filters.to < 1)) {
      const score = pair.scores[filters.score];
      if (score === undefined || score < filters.from || score > filters.to) return false;
    }
    if (!filters.text) return true;
    return [pair.question, pair.answer, sample.source].some((text) => text.toLowerCase().includes(filters.text));
  };
  const select = (tab, filters) =>
    index.windows
      .map((sample, number) => ({
        sample,
        number,
        pairs: listOf(sample, tab).filter((pair) => matches(pair, sample, filters)),
      }))
      .filter((entry) => entry.pairs.length);

  const everyPair = () => index.windows.flatMap((sample) => sample.pairs);
  const fillChoices = (name, all, values) => {
    const choice = field(name);
    const tally = new Map();
    for (const value of values) tally.set(value, (tally.get(value) ?? 0) + 1);
    const was = choice.value;
    choice.replaceChildren(new Option(all, ""));
    for (const [value, number] of [...tally].sort((a, b) => b[1] - a[1])) {
      choice.append(new Option(`${words(value)} (${number})`, value));
    }
    choice.value = tally.has(was) ? was : "";
    choice.closest("label").hidden = tally.size === 0 || (tally.size === 1 && name !== "reason");
  };
  const fillScores = () => {
    const names = [...new Set(everyPair().flatMap((pair) => Object.keys(pair.scores)))];
    field("score").replaceChildren(...names.map((name) => new Option(words(name), name)));
    field("score").closest("label").hidden = names.length === 0;
    form.querySelector(".range").hidden = names.length === 0;
  };

  const apply = (keep) => {
    const filters = readFilters();
    const was = state.shown[state.at]?.number;
    state.shown = select(state.tab, filters);
    state.at = Math.max(0, keep ? state.shown.findIndex((entry) => entry.number === was) : 0);
    form.elements.namedItem("low").value = filters.from.toFixed(2);
    form.elements.namedItem("high").value = filters.to.toFixed(2);
    const parts = [filters.text, filters.reason, filters.prompt, filters.style];
    const used = parts.filter(Boolean).length + Number(filters.from > 0 || filters.to < 1);
    byId("active").textContent = used ? ` (${used})` : "";
    for (const tab of document.querySelectorAll("[role=tab]")) {
      const ofTab = { kept: { ...filters, reason: "" }, dropped: filters, facts: { ...NO_FILTERS, text: filters.text } };
      const pairs = select(tab.dataset.tab, ofTab[tab.dataset.tab]);
      const number = pairs.reduce((sum, entry) => sum + entry.pairs.length, 0);
      tab.querySelector(".count").textContent = spell(number);
    }
    show();
  };

  const show = () => {
    const entry = state.shown[state.at];
    byId("nothing").hidden = Boolean(entry);
    byId("sample").classList.toggle("is-empty", !entry);
    state.lit = -1;
    if (!entry) {
      const some = index.windows.some((sample) => listOf(sample).length);
      const none = state.tab === "facts" ? "No facts here." : `No ${state.tab} pairs here.`;
      byId("nothing").textContent = some ? "Nothing matches these filters." : none;
      byId("where").textContent = "0 of 0";
      return;
    }
    const { sample, number, pairs } = entry;
    byId("where").textContent = `${state.at + 1} of ${state.shown.length}`;
    byId("before").disabled = state.at === 0;
    byId("after").disabled = state.at === state.shown.length - 1;
    byId("file").textContent = sample.source.split(/[/\\]/).pop() || sample.source;
    byId("file").title = sample.source;
    const range = sample.pages.length > 1 ? `pages ${sample.pages[0]}–${sample.pages.at(-1)}` : `page ${sample.pages[0]}`;
    const facts = [range, sample.language, `${spell(sample.kept)} kept`, `${spell(sample.dropped)} dropped`];
    byId("facts").textContent = facts.filter(Boolean).join(" · ");
    showPages(readAlbum(number), pairs);
    showPairs(pairs, sample);
  };

  const fold = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
  const area = (box) => (box[2] - box[0]) * (box[3] - box[1]);
  const showPages = (sheets, pairs) => {
    const marks = pairs.flatMap((pair, which) =>
      pair.evidence.flatMap((evidence) => evidence.boxes.map((box) => ({ which, page: evidence.page, box }))),
    );
    marks.sort((a, b) => area(b.box) - area(a.box)); // the small ones lie on top
    const reachable = new Set();
    const figures = sheets.map((sheet) => {
      const figure = make("figure");
      figure.dataset.page = sheet.page;
      const paper = make("div", "paper");
      if (sheet.src) {
        paper.style.maxWidth = `${sheet.w}px`;
        const image = make("img");
        image.width = sheet.w;
        image.height = sheet.h;
        image.alt = `Page ${sheet.page}`;
        image.src = sheet.src;
        paper.append(image);
        for (const mark of marks.filter(({ page }) => page === sheet.page)) {
          const [left, top, right, bottom] = mark.box;
          const box = make("button", "box");
          box.type = "button";
          box.dataset.pair = mark.which;
          box.tabIndex = reachable.has(mark.which) ? -1 : 0;
          reachable.add(mark.which);
          const of = state.tab === "facts" ? "Boxes of fact" : "Evidence of pair";
          box.setAttribute("aria-label", `${of} ${mark.which + 1}`);
          box.style.left = `${left * 100}%`;
          box.style.top = `${top * 100}%`;
          box.style.width = `${(right - left) * 100}%`;
          box.style.height = `${(bottom - top) * 100}%`;
          paper.append(box);
        }
      } else {
        paper.classList.add("blank");
        paper.append(make("p", "", "No picture of this page"), make("p", "detail", sheet.problem));
      }
      figure.append(paper, make("figcaption", "", `page ${sheet.page}`));
      return figure;
    });
    byId("pages").replaceChildren(...figures);
    byId("pages").scrollTop = 0;
    bringBoxOf(0);
  };

  // what models said of the pair when they were asked about it
  const showChecks = (checks) => {
    const list = make("ul", "checks");
    for (const check of checks) {
      const line = make("li");
      const name = make("span", "check", words(check.check) + (check.page ? `, page ${check.page} alone` : ""));
      name.title = [check.model, check.rule && `compared by ${words(check.rule)}`].filter(Boolean).join("; ");
      line.append(name);
      if (check.said) line.append(make("q", "", check.said));
      if (check.reason) line.append(make("span", "failed", words(check.reason)));
      if (check.score !== undefined) line.append(make("b", "", check.score.toFixed(2)));
      if (check.ratings) line.append(showRatings(check.ratings));
      list.append(line);
    }
    return list;
  };
  const showRatings = (ratings) => {
    const details = make("details");
    const summary = make("summary");
    for (const [criterion, rating] of ratings) {
      const told = make("span", "rating", `${words(criterion)} `);
      told.append(make("b", "", String(rating)));
      summary.append(told, " ");
    }
    const reasons = make("dl");
    for (const [criterion, rating, reason] of ratings) {
      if (!reason) continue;
      const line = make("div");
      line.append(make("dt", "", `${words(criterion)} ${rating}`), make("dd", "", reason));
      reasons.append(line);
    }
    details.append(summary);
    if (reasons.children.length) details.append(reasons);
    return details;
  };

  const showPairs = (pairs, sample) => {
    const items = pairs.map((pair, which) => {
      const item = make("li", "pair");
      item.tabIndex = 0;
      item.dataset.pair = which;
      if (pair.reason) item.append(make("p", "badge", words(pair.reason)));
      item.append(make("p", "question", pair.question), make("p", "answer", pair.answer || "(no answer)"));
      const facts = make("p", "facts");
      for (const [name, score] of Object.entries(pair.scores)) {
        const told = make("span", "score", `${words(name)} `);
        told.title = index.scores[name] ?? "";
        told.append(make("b", "", score.toFixed(2)));
        facts.append(told);
      }
      for (const text of new Set([pair.prompt, pair.kind, pair.style, pair.source])) if (text) facts.append(make("span", "", words(text)));
      facts.title = pair.model;
      for (const evidence of pair.evidence.slice(0, 3)) {
        // the answer itself, word for word: its page says all
        if (state.tab === "facts" || fold(evidence.quote) === fold(pair.answer)) {
          facts.prepend(make("span", "page", `page ${evidence.page}`));
          continue;
        }
        const quote = make("blockquote", "", evidence.quote);
        quote.prepend(make("span", "page", `p. ${evidence.page}`));
        item.append(quote);
      }
      if (pair.checks?.length) item.append(showChecks(pair.checks));
      if (!pair.evidence.length) item.append(make("p", "detail", "No evidence was found on the pages."));
      item.append(facts);
      return item;
    });
    const here = listOf(sample).length;
    const whole = { kept: sample.kept, dropped: sample.dropped, facts: here }[state.tab];
    if (here < whole) items.push(make("li", "detail", `${count(whole - here, "more pair")} of this window not shown.`));
    byId("pairs").replaceChildren(...items);
    byId("pairs").scrollTop = 0;
  };

  // --- evidence and pairs light each other ---------------------------------------------------------------------------

  const light = (which) => {
    if (which === state.lit) return;
    state.lit = which;
    byId("pages").classList.toggle("lighting", which >= 0);
    for (const element of document.querySelectorAll("#pages .box, #pairs .pair")) {
      element.classList.toggle("lit", Number(element.dataset.pair) === which);
    }
  };
  // inside its pane alone: the page itself must not jump
  const bring = (pane, element) => {
    if (!element || pane.scrollHeight <= pane.clientHeight + 1) return;
    const [outer, inner] = [pane.getBoundingClientRect(), element.getBoundingClientRect()];
    if (inner.top < outer.top + 8 || inner.bottom > outer.bottom - 8) {
      pane.scrollTop += inner.top - outer.top - Math.max(24, (outer.height - inner.height) / 3);
    }
  };
  const target = (event) => {
    const element = event.target instanceof Element ? event.target.closest("[data-pair]") : null;
    return element ? Number(element.dataset.pair) : -1;
  };
  const bringBoxOf = (which) => bring(byId("pages"), document.querySelector(`#pages .box[data-pair="${which}"]`));
  const bringPairOf = (which) => bring(byId("pairs"), document.querySelector(`#pairs .pair[data-pair="${which}"]`));
  const focused = () => target({ target: document.activeElement });
  for (const pane of [byId("pages"), byId("pairs")]) {
    pane.addEventListener("pointerover", (event) => light(target(event) >= 0 ? target(event) : focused()));
    pane.addEventListener("pointerleave", () => light(focused()));
    pane.addEventListener("focusout", (event) => light(target({ target: event.relatedTarget })));
  }
  byId("pairs").addEventListener("focusin", (event) => {
    light(target(event));
    if (target(event) >= 0) bringBoxOf(target(event));
  });
  byId("pages").addEventListener("focusin", (event) => {
    light(target(event));
    if (target(event) >= 0) bringPairOf(target(event));
  });

  // --- walking -------------------------------------------------------------------------------------------------------

  const walk = (by) => {
    const to = Math.min(state.shown.length - 1, Math.max(0, state.at + by));
    if (to === state.at || to < 0) return;
    state.at = to;
    show();
  };
  const walkPairs = (by) => {
    const items = [...document.querySelectorAll("#pairs .pair")];
    const at = items.indexOf(document.activeElement);
    items[Math.min(items.length - 1, Math.max(0, at < 0 ? 0 : at + by))]?.focus();
  };
  const choose = (tab) => {
    state.tab = tab;
    for (const button of document.querySelectorAll("[role=tab]")) {
      const on = button.dataset.tab === tab;
      button.setAttribute("aria-selected", String(on));
      button.tabIndex = on ? 0 : -1;
    }
    byId("sample").setAttribute("aria-labelledby", `tab-${tab}`);
    form.querySelector("[data-for=reason]").hidden = tab !== "dropped";
    form.classList.toggle("of-facts", tab === "facts");
    apply(true);
  };
  for (const button of document.querySelectorAll("[role=tab]")) {
    button.addEventListener("click", () => choose(button.dataset.tab));
  }
  document.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    event.stopPropagation();
    const by = event.key === "ArrowLeft" ? TABS.length - 1 : 1;
    choose(TABS[(TABS.indexOf(state.tab) + by) % TABS.length]);
    byId(`tab-${state.tab}`).focus();
  });
  byId("before").addEventListener("click", () => walk(-1));
  byId("after").addEventListener("click", () => walk(1));
  form.addEventListener("input", () => apply(true));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => apply(true)));

  const help = byId("keys");
  byId("help").addEventListener("click", () => help.showModal());
  byId("close").addEventListener("click", () => help.close());
  const keys = {
    j: () => walk(1),
    ArrowRight: () => walk(1),
    k: () => walk(-1),
    ArrowLeft: () => walk(-1),
    n: () => walkPairs(1),
    p: () => walkPairs(-1),
    1: () => choose("kept"),
    2: () => choose("dropped"),
    3: () => choose("facts"),
    "/": () => {
      byId("filters").closest("details").open = true;
      field("text").focus();
    },
    "?": () => help.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    const inField = event.target instanceof Element && event.target.closest("input, select, textarea");
    if (inField) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });

  // a reason in the flow opens the pairs that were dropped for it
  for (const item of document.querySelectorAll("[data-stage=curate] [data-reason]")) {
    const reason = item.dataset.reason;
    if (!everyPair().some((pair) => pair.reason === reason)) continue;
    const button = make("button", "reason-link");
    button.type = "button";
    button.title = "Show these pairs in the gallery";
    button.append(...item.childNodes);
    item.append(button);
    button.addEventListener("click", () => {
      form.reset();
      choose("dropped");
      field("reason").value = reason;
      // after the reset's own turn, which shows everything again
      setTimeout(() => {
        field("reason").value = reason;
        apply(false);
      });
      byId("gallery").scrollIntoView();
    });
  }

  // --- start ---------------------------------------------------------------------------------------------------------

  const pairs = everyPair();
  if (!pairs.length) {
    byId("about").textContent = "No pair has been judged yet.";
    return;
  }
  const drawn = { kept: pairs.filter((pair) => !pair.reason).length, dropped: pairs.filter((pair) => pair.reason).length };
  const ofAll = (name) => `${spell(drawn[name])} of ${spell(index[name])} ${name} pairs`;
  byId("about").textContent =
    drawn.kept === index.kept && drawn.dropped === index.dropped
      ? `All ${count(index.windows.length, "window")} with pairs. Choose a pair to see its evidence on the page.`
      : `${count(index.windows.length, "window")} drawn by seed, so that every prompt and every reason is there:` +
        ` ${ofAll("kept")}, ${ofAll("dropped")}. Choose a pair to see its evidence on the page.`;
  fillChoices("reason", "any reason", pairs.map((pair) => pair.reason).filter(Boolean));
  fillChoices("prompt", "any prompt", pairs.map((pair) => pair.prompt).filter(Boolean));
  fillChoices("style", "any style", pairs.map((pair) => pair.style).filter(Boolean));
  fillScores();
  const narrow = matchMedia("(max-width: 720px)");
  const foldAway = () => (form.closest("details").open = !narrow.matches);
  narrow.addEventListener("change", foldAway);
  foldAway();
  document.querySelector(".browser").hidden = false;
  choose(drawn.kept ? "kept" : "dropped");
})();
