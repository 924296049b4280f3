"use strict";

// Starts ReDoc on the page's element, in the fonts that the reader's system has.
const fonts = "system-ui, sans-serif";
Redoc.init(
  document.getElementById("docs").dataset.spec,
  { theme: { typography: { fontFamily: fonts, headings: { fontFamily: fonts } } } },
  document.getElementById("docs"),
);
