//! UTF-16, piece by piece, as UTF-8.

use crate::domain::encoding::Encoding;

/// What a piece of UTF-16 leaves for the next.
#[derive(Debug)]
pub(super) struct Wide {
    big_endian: bool,
    odd: Option<u8>,
    high: Option<u16>,
}

impl Wide {
    /// For a file in UTF-16; none for any other.
    pub fn of(encoding: Encoding) -> Option<Self> {
        let big_endian = encoding == Encoding::Utf16Be;
        encoding.is_wide().then_some(Self { big_endian, odd: None, high: None })
    }

    /// Decodes further bytes; half of a pair is U+FFFD.
    pub fn push(&mut self, bytes: &[u8], text: &mut String) {
        let mut bytes = bytes.iter().copied();
        loop {
            let Some(first) = self.odd.take().or_else(|| bytes.next()) else { return };
            let Some(second) = bytes.next() else {
                self.odd = Some(first);
                return;
            };
            let pair = [first, second];
            let unit =
                if self.big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) };
            self.unit(unit, text);
        }
    }

    fn unit(&mut self, unit: u16, text: &mut String) {
        let is_high = (0xd800..0xdc00).contains(&unit);
        if let Some(high) = self.high.take() {
            match char::decode_utf16([high, unit]).next() {
                Some(Ok(c)) => return text.push(c),
                _ => text.push(char::REPLACEMENT_CHARACTER),
            }
        }
        if is_high {
            self.high = Some(unit);
        } else {
            let c = char::from_u32(u32::from(unit));
            text.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
    }

    /// Ends the file: what is left of a character is U+FFFD.
    pub fn finish(&mut self, text: &mut String) {
        if self.high.take().is_some() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
        // A single line end after the text is none of it.
        if self.odd.take().is_some_and(|b| b != 0 && !b.is_ascii_whitespace()) {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

/// The bytes in UTF-16 of a text in UTF-8.
pub(super) fn width(utf8: &[u8]) -> usize {
    let units = |b: &u8| match b {
        0x80..=0xbf => 0,
        0xf0..=0xff => 2,
        _ => 1,
    };
    utf8.iter().map(units).sum::<usize>() * 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_piece_of_a_text_leads_to_the_same_text() {
        let text = "José 𝄞 Ł\u{10ffff}x";
        for (encoding, big) in [(Encoding::Utf16Le, false), (Encoding::Utf16Be, true)] {
            let bytes: Vec<u8> = text
                .encode_utf16()
                .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
                .collect();
            assert_eq!(width(text.as_bytes()), bytes.len());
            for piece in 1..bytes.len() {
                let mut wide = Wide::of(encoding).expect("UTF-16");
                let mut read = String::new();
                bytes.chunks(piece).for_each(|piece| wide.push(piece, &mut read));
                wide.finish(&mut read);
                assert_eq!(read, text);
            }
        }
    }

    #[test]
    fn half_of_a_character_is_none() {
        let mut wide = Wide::of(Encoding::Utf16Le).expect("UTF-16");
        let mut read = String::new();
        wide.push(&[0x34, 0xd8, b'a', 0, 0x1e, 0xdd, 0x34, 0xd8, 0x34], &mut read);
        wide.finish(&mut read);
        assert_eq!(read, "\u{fffd}a\u{fffd}\u{fffd}\u{fffd}");
    }
}
