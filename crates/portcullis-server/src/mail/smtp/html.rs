//! An e-mail's text as HTML: the same words, links that can be opened, nothing that is fetched.

use std::fmt::Write as _;

/// The text as a page. Every character of it is text; only a line that is a link and nothing else becomes one. The page
/// is ASCII, whatever the text is.
pub(super) fn html(title: &str, text: &str) -> String {
    let mut page = String::from("<!doctype html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n<title>");
    escape(&mut page, title);
    page.push_str("</title>\n</head>\n<body>\n");
    for paragraph in text.split("\n\n").filter(|text| !text.trim().is_empty()) {
        page.push_str("<p>");
        for (index, line) in paragraph.trim_matches('\n').lines().enumerate() {
            if index > 0 {
                page.push_str("<br>\n");
            }
            write_line(&mut page, line.trim());
        }
        page.push_str("</p>\n");
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn write_line(page: &mut String, line: &str) {
    let link = ["https://", "http://"]
        .iter()
        .any(|scheme| line.starts_with(scheme));
    if link && !line.contains(char::is_whitespace) {
        page.push_str("<a href=\"");
        escape(page, line);
        page.push_str("\">");
        escape(page, line);
        page.push_str("</a>");
    } else {
        escape(page, line);
    }
}

fn escape(page: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' | '<' | '>' | '"' | '\'' => {
                let _ = write!(page, "&#{};", u32::from(c));
            }
            c if c.is_ascii() => page.push(c),
            c => {
                let _ = write!(page, "&#{};", u32::from(c));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text_and_a_link_on_its_own_line_can_be_opened() {
        let text = "Grüße <b>x</b> & \"y\" at http://evil.example/ now\n\n  https://id.example.com/a?b=c&d\n\n  when: 1\n  from: 2\n";
        let page = html("</title><script>", text);
        assert!(page.is_ascii());
        for part in [
            "<title>&#60;/title&#62;&#60;script&#62;</title>",
            "Gr&#252;&#223;e &#60;b&#62;x&#60;/b&#62; &#38; &#34;y&#34; at http://evil.example/ now",
            "<a href=\"https://id.example.com/a?b=c&#38;d\">https://id.example.com/a?b=c&#38;d</a>",
            "<p>when: 1<br>\nfrom: 2</p>",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert_eq!(page.matches("<a ").count(), 1);
        assert!(!page.contains("src="));
    }
}
