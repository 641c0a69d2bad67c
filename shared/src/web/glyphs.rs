//! The characters that the certificate's fonts have: Latin, Greek, Cyrillic. The fonts are in the
//! function `render`. A page links to a certificate only if its fonts have every character, so
//! that no name is drawn as boxes.

/// The characters that all fonts of `functions/render/fonts` have, as ranges in order. A test
/// there compares them with the fonts.
pub const RANGES: &[(u32, u32)] = &[
    (0x0020, 0x007e),
    (0x00a0, 0x024f),
    (0x0259, 0x0259),
    (0x02b0, 0x0377),
    (0x037a, 0x037f),
    (0x0384, 0x038a),
    (0x038c, 0x038c),
    (0x038e, 0x03a1),
    (0x03a3, 0x03e1),
    (0x03f0, 0x052f),
    (0x1e00, 0x1f15),
    (0x1f18, 0x1f1d),
    (0x1f20, 0x1f45),
    (0x1f48, 0x1f4d),
    (0x1f50, 0x1f57),
    (0x1f59, 0x1f59),
    (0x1f5b, 0x1f5b),
    (0x1f5d, 0x1f5d),
    (0x1f5f, 0x1f7d),
    (0x1f80, 0x1fb4),
    (0x1fb6, 0x1fc4),
    (0x1fc6, 0x1fd3),
    (0x1fd6, 0x1fdb),
    (0x1fdd, 0x1fef),
    (0x1ff2, 0x1ff4),
    (0x1ff6, 0x1ffe),
    (0x2000, 0x200d),
    (0x2010, 0x2027),
    (0x202f, 0x205e),
    (0x2070, 0x2071),
    (0x2074, 0x208e),
    (0x2090, 0x209c),
    (0x20a0, 0x20bf),
    (0x2100, 0x214f),
    (0x25cc, 0x25cc),
    (0xa720, 0xa7bf),
    (0xa7c2, 0xa7ca),
    (0xa7f5, 0xa7ff),
    (0xfb00, 0xfb06),
];

/// Tests whether the fonts have every character of a text.
pub fn covers(text: &str) -> bool {
    text.chars().all(|c| {
        let c = u32::from(c);
        let place = RANGES.partition_point(|(_, last)| *last < c);
        RANGES.get(place).is_some_and(|(first, _)| *first <= c)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin_greek_and_cyrillic_are_there_and_nothing_is_promised_beyond() {
        for text in
            ["", "María José Núñez · 6,5 «A»", "Ελένη Παπαδοπούλου", "Нгуен Thị Ánh", "Ștefan"]
        {
            assert!(covers(text), "{text}");
        }
        for text in ["山田太郎", "محمد", "שרה", "देव", "🎓", "a\n"] {
            assert!(!covers(text), "{text}");
        }
        assert!(RANGES.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }
}
