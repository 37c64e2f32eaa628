//! The strict DER reader, with the places of what it reads: a list is read in
//! steps, which cannot keep a borrow between them.

use std::ops::Range;

use crate::trust::der::{NotDer, Reader};

/// The content of a value, and its place in the whole.
pub(super) type Placed<'a> = (&'a [u8], Range<usize>);

/// Reads values of `bytes` from an offset on.
pub(super) struct Cursor<'a> {
    reader: Reader<'a>,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// `bytes` begin at offset `at` of the whole.
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self {
            reader: Reader::new(bytes),
            at,
        }
    }

    /// Offset of the next value.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn is_empty(&self) -> bool {
        self.reader.is_empty()
    }

    /// The content of the next value, which must have this tag, and its place.
    pub(super) fn expect(&mut self, tag: u8) -> Result<Placed<'a>, NotDer> {
        let content = self.reader.expect(tag)?;
        let start = self.at + header_len(content.len());
        self.at = start + content.len();
        Ok((content, start..self.at))
    }

    /// As [`expect`](Self::expect), if the next value has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Placed<'a>>, NotDer> {
        let mut ahead = self.reader;
        match ahead.any() {
            Ok((found, _)) if found == tag => self.expect(tag).map(Some),
            Ok(_) => Ok(None),
            Err(_) if self.is_empty() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A `Time`.
    pub(super) fn time(&mut self) -> Result<i64, NotDer> {
        let mut ahead = self.reader;
        let (_, content) = ahead.any()?;
        let time = super::time::read(&mut self.reader)?;
        self.at += header_len(content.len()) + content.len();
        Ok(time)
    }

    /// Whether the next value says that it is a `Time`.
    pub(super) fn next_is_time(&self) -> bool {
        let mut ahead = self.reader;
        ahead.any().is_ok_and(|(tag, _)| super::time::is_tag(tag))
    }

    /// Nothing may follow.
    pub(super) fn end(&self) -> Result<(), NotDer> {
        self.reader.end()
    }
}

/// Octets of tag and length: the reader takes no other than the shortest form.
fn header_len(content: usize) -> usize {
    match content {
        0..0x80 => 2,
        0x80..0x100 => 3,
        0x100..0x1_0000 => 4,
        0x1_0000..0x100_0000 => 5,
        _ => 6,
    }
}
