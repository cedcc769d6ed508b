"""Keys and eyes: a held key counts once, and a new patient is looked at from the top.

The one piece of the review page that runs in the browser. It reads no data of a case, only its id and
the stage, to see that they changed.
"""

from __future__ import annotations

from typing import Final

import streamlit as st

_SCRIPT: Final = """
let before = null;

const scroller = (start) => {
  for (let each = start; each; each = each.parentElement)
    if (each.scrollHeight > each.clientHeight && /auto|scroll/.test(getComputedStyle(each).overflowY)) return each;
  return document.scrollingElement;
};

const look = ({ place, stage }) => {
  const now = `${place}/${stage}`;
  if (before !== null && before !== now) requestAnimationFrame(() => {
    const model = document.querySelector(".hr-model");
    const narrow = window.innerWidth < 700;
    if (stage === "decide" && narrow && model) model.scrollIntoView();
    else if (stage !== "decide") scroller(document.querySelector(".st-key-page"))?.scrollTo(0, 0);
  });
  before = now;
};

export default function ({ data }) {
  const guard = (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
    if (event.repeat && !typing) { event.stopImmediatePropagation(); event.preventDefault(); }
  };
  window.addEventListener("keydown", guard, true);
  look(data);
  return () => window.removeEventListener("keydown", guard, true);
}"""


def keep(case_id: str, stage: str) -> None:
    """Let a held key count once (a held A would accept case after case), and begin a new case at its top.

    On a phone the facts stand above the form, so that who has just answered one patient would look at
    the form of the next and never see the facts. When the model's view comes, it is scrolled to there.
    """
    draw = st.components.v2.component("attention", js=_SCRIPT)
    draw(key="attention", data={"place": case_id, "stage": stage.partition(" ")[0]}, height=1)
