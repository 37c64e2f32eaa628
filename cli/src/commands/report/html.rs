//! HTML that is also XML, written so that nothing of a log can become markup.

use std::fmt::{self, Display, Write};

/// Text of a log or policy, as text.
pub struct Escaped<'t>(pub &'t str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // XML has no such characters, whatever their writing; and nobody is
                // to read text in another order than it stands in.
                '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}'
                | '\u{fffe}'
                | '\u{ffff}' => f.write_char(char::REPLACEMENT_CHARACTER)?,
                letter if letter.is_control() => f.write_char(char::REPLACEMENT_CHARACTER)?,
                letter => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

/// A table; the cells are markup.
pub fn table(out: &mut String, head: &[&str], rows: &[Vec<String>]) -> fmt::Result {
    out.write_str("<div class=\"scroll\"><table><thead><tr>")?;
    for cell in head {
        write!(out, "<th scope=\"col\">{}</th>", Escaped(cell))?;
    }
    out.write_str("</tr></thead><tbody>")?;
    for row in rows {
        out.write_str("<tr>")?;
        for cell in row {
            write!(out, "<td>{cell}</td>")?;
        }
        out.write_str("</tr>\n")?;
    }
    out.write_str("</tbody></table></div>\n")
}

/// A cell of text.
pub fn cell(text: &str) -> String {
    Escaped(text).to_string()
}

/// A cell of code.
pub fn code(text: &str) -> String {
    match text {
        "" => String::new(),
        _ => format!("<code>{}</code>", Escaped(text)),
    }
}
