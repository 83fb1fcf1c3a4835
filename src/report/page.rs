//! The page: its data as JSON between its own style and script.
//!
//! No text of a user is ever part of the markup. It is in the JSON, where the characters that could end it are
//! escaped, and the script writes it as text.

use super::data::ReportData;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::ids::stable_id;

const TEMPLATE: &str = include_str!("page/page.html");
/// uPlot, see `page/uplot/LICENSE`.
const UPLOT: [&str; 2] =
    [include_str!("page/uplot/uPlot.min.css"), include_str!("page/uplot/uPlot.iife.min.js")];
const UPLOT_LICENCE: &str = include_str!("page/uplot/LICENSE");
const STYLES: [&str; 2] = [include_str!("page/base.css"), include_str!("page/views.css")];
/// In the order in which they are read: each uses those before it.
const SCRIPTS: [&str; 12] = [
    include_str!("page/basics.js"),
    include_str!("page/model.js"),
    include_str!("page/lists.js"),
    include_str!("page/overview.js"),
    include_str!("page/lanes.js"),
    include_str!("page/tracks.js"),
    include_str!("page/why.js"),
    include_str!("page/sources.js"),
    include_str!("page/gallery.js"),
    include_str!("page/requests.js"),
    include_str!("page/posted.js"),
    include_str!("page/app.js"),
];

/// The page as HTML.
///
/// # Errors
/// `internal` if the data cannot be written as JSON.
pub(super) fn page(data: &ReportData) -> Result<String> {
    let json = serde_json::to_string(data).map_err(|e| {
        Error::new(ErrorCode::Internal, format!("the report cannot be written ({e})"))
            .with_source(e)
    })?;
    let json = inert(&json);
    // A text in the data that guesses the nonce would change it.
    let nonce = stable_id([Some(json.as_str())]);
    let script = format!("(() => {{\n'use strict';\n{}\n}})();", SCRIPTS.join("\n"));
    let style = format!("{}\n{}", UPLOT[0], STYLES.join("\n"));
    let licence = format!("/*! uPlot\n{}\n*/\n{}", UPLOT_LICENCE.trim(), UPLOT[1]);
    let frame = TEMPLATE
        .replace("{nonce}", &nonce)
        .replace("{style}", &style)
        .replace("{uplot}", &licence)
        .replace("{script}", &script);
    let (before, after) = frame
        .split_once("{data}")
        .ok_or_else(|| Error::new(ErrorCode::Internal, "the page has no place for its data"))?;
    Ok([before, &json, after].concat())
}

/// JSON in which nothing can end the element that it stands in: `<`, `>` and `&` as escapes, and the line
/// ends that JSON allows and JavaScript of old did not.
fn inert(json: &str) -> String {
    let mut text = String::with_capacity(json.len() + json.len() / 32);
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", c as u32));
            }
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::super::data::AboutPage;
    use super::*;

    #[test]
    fn hostile_texts_are_inert_and_read_back() {
        let hostile = "</script><script>alert(1)</script><!-- \u{2028} & <img onerror=x>";
        let about = AboutPage { results: hostile.to_owned(), ..AboutPage::default() };
        let page = page(&ReportData { about, ..ReportData::default() }).unwrap();
        assert!(!page.contains("alert(1)</script>") && !page.contains("<img"));
        assert_eq!(page.matches("<!--").count(), 0);
        let (_, rest) = page.split_once("type=\"application/json\">").unwrap();
        let (json, _) = rest.split_once("</script>").unwrap();
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(value["about"]["results"], hostile);
    }

    #[test]
    fn the_page_asks_nothing_of_the_net() {
        let page = page(&ReportData::default()).unwrap();
        assert_eq!(page.matches("<script").count(), 3, "data, uPlot and the page's own");
        assert!(page.contains("default-src 'none'"));
        for name in ["{nonce}", "{style}", "{script}", "{uplot}", "{data}"] {
            assert!(!page.contains(name), "{name}");
        }
        let own = SCRIPTS.concat() + TEMPLATE + &STYLES.concat();
        // A name, which nothing is asked of.
        let own = own.replace("http://www.w3.org/2000/svg", "");
        for asks in
            ["http://", "https://", "innerHTML", "outerHTML", "insertAdjacent", "eval(", "@import"]
        {
            assert!(!own.contains(asks), "{asks}");
        }
    }
}
