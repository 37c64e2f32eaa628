//! Where each field of a policy stands.

use std::collections::HashMap;

use serde_saphyr::Location;

use super::problem::Place;

/// The places of the fields of one policy file.
#[derive(Debug, Default)]
pub struct Places {
    file: String,
    text: String,
    fields: HashMap<String, Field>,
}

#[derive(Debug)]
struct Field {
    key: Option<Location>,
    value: Location,
    /// The file that the value was read from, and its text.
    from: Option<(String, String)>,
}

impl Places {
    /// Of the file with this name and text.
    pub fn new(file: &str, text: String) -> Self {
        Self {
            file: file.to_owned(),
            text,
            fields: HashMap::new(),
        }
    }

    /// The field at `path` has its key here, and its value there.
    pub fn add(&mut self, path: String, key: Option<Location>, value: Location) {
        let from = None;
        self.fields.insert(path, Field { key, value, from });
    }

    /// The value of the field at `path` was read from a file.
    pub fn read_from(&mut self, path: &str, file: String, text: String) {
        if let Some(field) = self.fields.get_mut(path) {
            field.from = Some((file, text));
        }
    }

    /// Where the field at `path` stands, or what it is missing in: its key, or its
    /// value. The nth certificate of a PEM text stands at its first line.
    pub fn find(&self, path: &str, is_key: bool) -> Place {
        let mut rest = path;
        loop {
            if let Some(field) = self.fields.get(rest) {
                let index = path
                    .strip_prefix(rest)
                    .and_then(|index| index.strip_prefix('[')?.strip_suffix(']')?.parse().ok());
                return index
                    .and_then(|index| self.block(field, index))
                    .unwrap_or_else(|| self.place(field, is_key));
            }
            match rest.rfind(['.', '[']) {
                Some(end) => rest = rest.get(..end).unwrap_or_default(),
                None if !rest.is_empty() => rest = "",
                None => return self.of_file(1, 1),
            }
        }
    }

    /// A place in the policy file.
    pub fn at(&self, location: Option<Location>) -> Place {
        match location {
            Some(at) if at.line() > 0 => self.of_file(at.line(), at.column()),
            _ => self.of_file(1, 1),
        }
    }

    fn of_file(&self, line: u64, column: u64) -> Place {
        Place {
            file: self.file.clone(),
            line,
            column,
        }
    }

    fn place(&self, field: &Field, is_key: bool) -> Place {
        match &field.from {
            Some((file, _)) => Place {
                file: file.clone(),
                line: 1,
                column: 1,
            },
            None => self.at(Some(field.key.filter(|_| is_key).unwrap_or(field.value))),
        }
    }

    /// The place of the PEM block with this index.
    fn block(&self, field: &Field, index: usize) -> Option<Place> {
        let (file, text, from, to) = match &field.from {
            Some((file, text)) => (file, text, 0, text.len()),
            None => {
                let span = field.value.span();
                let from = usize::try_from(span.byte_offset()?).ok()?;
                let to = from.checked_add(usize::try_from(span.byte_len()?).ok()?)?;
                (&self.file, &self.text, from, to)
            }
        };
        let (offset, _) = text
            .get(from..to)?
            .match_indices("-----BEGIN ")
            .nth(index)?;
        let before = text.get(..from.checked_add(offset)?)?;
        let line = before.matches('\n').count().checked_add(1)?;
        let column = before.rsplit('\n').next()?.chars().count().checked_add(1)?;
        Some(Place {
            file: file.clone(),
            line: u64::try_from(line).ok()?,
            column: u64::try_from(column).ok()?,
        })
    }
}
