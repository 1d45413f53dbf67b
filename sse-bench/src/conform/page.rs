//! The report as one page: no script, nothing from elsewhere.

use std::fmt::Write as _;

use quick_xml::escape::escape;

use super::grade::Grade;
use super::report::{Report, key};

const STYLE: &str = include_str!("page.css");

/// The whole page.
pub(super) fn render(report: &Report) -> String {
    let title = format!("sse-bench conform {}", report.side.what());
    let name = crate::failure::printable(report.side.name());
    let (verdict, code) = (report.verdict(), report.exit().code());
    let class = if code == 0 { "ok" } else { "failed" };
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}: {verdict}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n\
         <p><code>{}</code></p>\n<p class=\"verdict {class}\">{verdict} <small>exit code {code}, \
         sse-bench {}</small></p>\n",
        escape(&name),
        env!("CARGO_PKG_VERSION"),
    );
    filters(report, &mut page);
    table(report, &mut page);
    page.push_str("</body>\n</html>\n");
    page
}

/// A box for each grade: what is not ticked is not shown, by the style alone.
fn filters(report: &Report, page: &mut String) {
    page.push_str("<fieldset>\n<legend>Show</legend>\n");
    for grade in Grade::ALL {
        let (class, count) = (key(grade), report.count(grade));
        let _ = writeln!(
            page,
            "<label class=\"{class}\"><input type=\"checkbox\" id=\"show-{class}\" checked> \
             {grade} <b>{count}</b></label>"
        );
    }
    page.push_str("</fieldset>\n");
}

fn table(report: &Report, page: &mut String) {
    page.push_str(
        "<table>\n<thead><tr><th>Check</th><th>Grade</th><th>Must be seen</th>\
         <th>Evidence</th><th>Rule</th></tr></thead>\n<tbody>\n",
    );
    for (finding, known) in &report.findings {
        let grade = finding.verdict.grade;
        let _ = writeln!(
            page,
            "<tr class=\"{}\"><th scope=\"row\">{}</th><td class=\"grade\">{grade}{}</td>\
             <td>{}</td><td>{}</td><td class=\"rule\">{}</td></tr>",
            key(grade),
            escape(&finding.name),
            known.note(),
            escape(&finding.about),
            escape(&finding.verdict.seen),
            escape(&finding.rule),
        );
    }
    page.push_str("</tbody>\n</table>\n");
}
