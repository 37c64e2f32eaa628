//! A strict DER reader (X.690 section 10) for what is read by hand: extension
//! values, keys and algorithm parameters.
//!
//! It never recurses and never allocates: a caller names each level it enters.

/// Universal and context tags in use here.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const NULL: u8 = 0x05;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const SEQUENCE: u8 = 0x30;

    /// `[n] IMPLICIT` of a primitive type.
    pub(crate) const fn context(number: u8) -> u8 {
        0x80 | number
    }

    /// `[n]` of a constructed type.
    pub(crate) const fn context_constructed(number: u8) -> u8 {
        0xa0 | number
    }
}

/// The bytes are not DER, or not the value expected there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotDer;

/// A cursor over the content of one constructed value.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next value, whatever it is: its tag and its content.
    pub(crate) fn any(&mut self) -> Result<(u8, &'a [u8]), NotDer> {
        let (&tag, rest) = self.rest.split_first().ok_or(NotDer)?;
        // Multi-byte tags occur nowhere in the structures that are read here.
        if tag & 0x1f == 0x1f {
            return Err(NotDer);
        }
        let (&first, rest) = rest.split_first().ok_or(NotDer)?;
        let (len, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            // 0x80 is the indefinite form, which DER forbids; four octets are
            // far more than the 64 KiB that a certificate may have.
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 4 {
                return Err(NotDer);
            }
            let (octets, rest) = rest.split_at_checked(count).ok_or(NotDer)?;
            let len = octets
                .iter()
                .try_fold(0_usize, |len, octet| {
                    len.checked_mul(256)?.checked_add(usize::from(*octet))
                })
                .ok_or(NotDer)?;
            // The shortest form only.
            if len < 0x80 || octets.first() == Some(&0) {
                return Err(NotDer);
            }
            (len, rest)
        };
        let (content, rest) = rest.split_at_checked(len).ok_or(NotDer)?;
        self.rest = rest;
        Ok((tag, content))
    }

    /// The content of the next value, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<&'a [u8], NotDer> {
        match self.any()? {
            (found, content) if found == tag => Ok(content),
            _ => Err(NotDer),
        }
    }

    /// The content of the next value if it has this tag, else nothing is read.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, NotDer> {
        if self.rest.first() == Some(&tag) {
            self.expect(tag).map(Some)
        } else {
            Ok(None)
        }
    }

    /// A `BOOLEAN DEFAULT FALSE`: DER leaves the default out, TRUE is 0xff.
    pub(crate) fn default_false(&mut self) -> Result<bool, NotDer> {
        match self.optional(tag::BOOLEAN)? {
            None => Ok(false),
            Some([0xff]) => Ok(true),
            Some(_) => Err(NotDer),
        }
    }

    /// A non-negative `INTEGER`, without its sign octet.
    pub(crate) fn unsigned(&mut self) -> Result<&'a [u8], NotDer> {
        match self.expect(tag::INTEGER)? {
            [] => Err(NotDer),
            [0] => Ok(&[]),
            // A leading zero only where the next bit would be the sign.
            [0, magnitude @ ..] if magnitude.first().is_some_and(|b| *b >= 0x80) => Ok(magnitude),
            [first, ..] if *first == 0 || *first >= 0x80 => Err(NotDer),
            magnitude => Ok(magnitude),
        }
    }

    /// Nothing may follow.
    pub(crate) fn end(&self) -> Result<(), NotDer> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(NotDer)
        }
    }
}

/// The content of the one value that `bytes` hold.
pub(crate) fn single(bytes: &[u8], tag: u8) -> Result<&[u8], NotDer> {
    let mut reader = Reader::new(bytes);
    let content = reader.expect(tag)?;
    reader.end()?;
    Ok(content)
}

/// The content of a value around `content`.
pub(crate) fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len().saturating_add(6));
    out.push(tag);
    let len = content.len();
    if len < 0x80 {
        out.push(u8::try_from(len).unwrap_or(0x7f));
    } else {
        let octets = len.to_be_bytes();
        let skip = octets.iter().take_while(|octet| **octet == 0).count();
        let count = octets.len().saturating_sub(skip);
        out.push(0x80 | u8::try_from(count).unwrap_or(0x7f));
        out.extend(octets.iter().skip(skip));
    }
    out.extend_from_slice(content);
    out
}

/// The dotted form of an object identifier's content, at most `max` arcs.
pub(crate) fn dotted(oid: &[u8]) -> String {
    // Identifiers in certificates have about ten arcs; the bound keeps a
    // hostile one out of the log.
    const MAX_ARCS: usize = 24;
    let mut text = String::new();
    let mut arc: u64 = 0;
    let mut arcs = 0_usize;
    for octet in oid {
        arc = arc
            .saturating_mul(128)
            .saturating_add(u64::from(octet & 0x7f));
        if octet & 0x80 != 0 {
            continue;
        }
        if arcs == 0 {
            let root = (arc / 40).min(2);
            text = format!("{root}.{}", arc.saturating_sub(root.saturating_mul(40)));
        } else if arcs < MAX_ARCS {
            text.push_str(&format!(".{arc}"));
        } else {
            text.push('…');
            break;
        }
        arcs = arcs.saturating_add(1);
        arc = 0;
    }
    text
}
