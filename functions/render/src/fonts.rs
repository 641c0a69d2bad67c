//! The fonts of drawings, none of them the machine's: a certificate looks the same everywhere.
//!
//! Three faces of Latin, Greek and Cyrillic are in the function. The others are files beside it, laid out by
//! `infra/fonts.py`; an index that was made with them says which characters each face has, so that a text opens the
//! files that it needs and no other. A file is mapped when it is first needed, and stays so.

use std::{
    collections::{BTreeSet, HashSet},
    path::PathBuf,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use parley::{
    FontContext, FontFamilyName, LayoutContext,
    fontique::{Blob, Collection, CollectionOptions, FontInfoOverride, FontWeight, SourceCache},
};

/// A face of Latin, Greek and Cyrillic that a layout asks for. Other scripts have one face each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// For names and titles.
    Display,
    /// For small text.
    Text,
    /// For small text that matters.
    Strong,
}

/// The faces in the function, in the order of the index.
const EMBEDDED: [(Face, &str, &[u8]); 3] = [
    (Face::Display, "display", include_bytes!("../fonts/NotoSerifDisplay-Regular.ttf")),
    (Face::Text, "text", include_bytes!("../fonts/NotoSans-Regular.ttf")),
    (Face::Strong, "strong", include_bytes!("../fonts/NotoSans-Bold.ttf")),
];

/// A folder of fonts in place of the usual ones.
const FOLDER: &str = "FONTS_DIR";
/// The layer of the deployed function, and the same folder in a checkout.
const FOLDERS: [&str; 2] = ["/opt/fonts", concat!(env!("CARGO_MANIFEST_DIR"), "/layer/fonts")];

/// Whose forms of the characters that East Asian scripts share: the script's code alone does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// Japan.
    Japan,
    /// Korea.
    Korea,
    /// Mainland China, and where nothing tells.
    China,
    /// Taiwan.
    Taiwan,
}

impl Region {
    /// Finds it in the texts of one drawing.
    pub fn of(texts: &[&str]) -> Self {
        let any = |ranges: &[(u32, u32)]| {
            let mut letters = texts.iter().flat_map(|text| text.chars()).map(u32::from);
            letters.any(|c| ranges.iter().any(|(first, last)| (*first..=*last).contains(&c)))
        };
        // Kana, and the ideographs that Japanese standards alone have twice; Hangul; Bopomofo.
        if any(&[(0x3041, 0x30ff), (0x31f0, 0x31ff), (0xfa0e, 0xfa2d), (0xff66, 0xff9f)]) {
            Self::Japan
        } else if any(&[(0x1100, 0x11ff), (0x3130, 0x318f), (0xac00, 0xd7ff)]) {
            Self::Korea
        } else if any(&[(0x3105, 0x312f), (0x31a0, 0x31bf)]) {
            Self::Taiwan
        } else {
            Self::China
        }
    }

    fn family(self) -> &'static str {
        match self {
            Self::Japan => "Noto Sans CJK JP",
            Self::Korea => "Noto Sans CJK KR",
            Self::China => "Noto Sans CJK SC",
            Self::Taiwan => "Noto Sans CJK TC",
        }
    }
}

/// A face of the index.
struct Entry {
    file: &'static str,
    family: &'static str,
    /// Its characters, as ranges in order.
    ranges: Arc<[(u32, u32)]>,
}

impl Entry {
    fn has(&self, c: char) -> bool {
        let c = u32::from(c);
        let place = self.ranges.partition_point(|(_, last)| *last < c);
        self.ranges.get(place).is_some_and(|(first, _)| *first <= c)
    }
}

/// The index, in the order in which a face is looked for.
static INDEX: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let mut entries: Vec<Entry> = Vec::new();
    for line in include_str!("../fonts/index.txt").lines() {
        let mut columns = line.split('\t');
        let (Some(file), _, Some(family), Some(text)) =
            (columns.next(), columns.next(), columns.next(), columns.next())
        else {
            continue;
        };
        let ranges = match entries.last() {
            Some(before) if text == "=" => Arc::clone(&before.ranges),
            _ => text.split(',').filter_map(range).collect(),
        };
        entries.push(Entry { file, family, ranges });
    }
    entries
});

fn range(text: &str) -> Option<(u32, u32)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some((u32::from_str_radix(first, 16).ok()?, u32::from_str_radix(last, 16).ok()?))
}

/// The fonts of this process.
pub struct Fonts {
    /// The faces that were opened.
    pub context: FontContext,
    /// Space that laying out uses again.
    pub layouts: LayoutContext<()>,
    /// The files that were opened.
    files: HashSet<&'static str>,
}

/// The faces of a text, and its letters that none of them has.
pub struct Choice {
    /// In the order in which a letter is looked for.
    pub families: Vec<FontFamilyName<'static>>,
    /// To be drawn as code points.
    pub unknown: BTreeSet<char>,
}

impl Fonts {
    /// Calls with the fonts of this process, which one drawing has at a time.
    pub fn with<T>(call: impl FnOnce(&mut Self) -> T) -> T {
        static FONTS: LazyLock<Mutex<Fonts>> = LazyLock::new(|| Mutex::new(Fonts::new()));
        call(&mut FONTS.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn new() -> Self {
        let options = CollectionOptions { shared: false, system_fonts: false };
        let mut collection = Collection::new(options);
        for (_, family, data) in EMBEDDED {
            let named = FontInfoOverride {
                family_name: Some(family),
                weight: Some(FontWeight::NORMAL),
                width: None,
                style: None,
                axes: None,
            };
            collection.register_fonts(Blob::new(Arc::new(data)), Some(named));
        }
        Self {
            context: FontContext { collection, source_cache: SourceCache::default() },
            layouts: LayoutContext::new(),
            files: HashSet::new(),
        }
    }

    /// Chooses the faces of a text, and opens them.
    pub fn choose(&mut self, text: &str, face: Face, region: Region) -> Choice {
        let own = EMBEDDED.iter().position(|(embedded, ..)| *embedded == face).unwrap_or_default();
        let mut families: Vec<&'static str> =
            EMBEDDED.get(own).map(|(_, family, _)| *family).into_iter().collect();
        let mut unknown = BTreeSet::new();
        let own = INDEX.get(own);
        for c in text.chars().collect::<BTreeSet<char>>() {
            if joins(c) || own.is_some_and(|entry| entry.has(c)) {
                continue;
            }
            let others = INDEX.iter().skip(EMBEDDED.len());
            let mut others = others.filter(|entry| {
                entry.has(c) && (!entry.file.ends_with(".ttc") || entry.family == region.family())
            });
            match others.find(|entry| self.open(entry.file)) {
                None => {
                    unknown.insert(c);
                }
                Some(entry) if families.contains(&entry.family) => {}
                Some(entry) => families.push(entry.family),
            }
        }
        // In the order of the index, whatever the order of the letters.
        let place = |family: &str| INDEX.iter().position(|entry| entry.family == family);
        if let Some((_, others)) = families.split_first_mut() {
            others.sort_by_key(|family| place(family));
        }
        Choice { families: families.into_iter().map(FontFamilyName::named).collect(), unknown }
    }

    /// Opens a file, unless it is open; tells whether it is there.
    fn open(&mut self, file: &'static str) -> bool {
        if self.files.contains(file) {
            return true;
        }
        let folders = match std::env::var_os(FOLDER) {
            Some(folder) => vec![PathBuf::from(folder)],
            None => FOLDERS.into_iter().map(PathBuf::from).collect(),
        };
        let paths = folders.into_iter().map(|folder| folder.join(file));
        let Some(path) = paths.into_iter().find(|path| path.is_file()) else {
            tracing::warn!(file, "font not found");
            return false;
        };
        self.context.collection.load_fonts_from_paths([path]);
        self.files.insert(file)
    }
}

/// Whether a character has no form of its own: joiners, variation selectors, marks of direction, and the tags of
/// some flags. Shaping takes them away.
pub fn joins(c: char) -> bool {
    matches!(u32::from(c), 0x034f | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x2069 | 0xfe00..=0xfe0f | 0xe0000..=0xe0fff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_names_the_embedded_faces_first_and_a_face_for_every_region() {
        let files: Vec<_> = INDEX.iter().take(3).map(|entry| entry.file).collect();
        assert_eq!(
            files,
            ["NotoSerifDisplay-Regular.ttf", "NotoSans-Regular.ttf", "NotoSans-Bold.ttf"]
        );
        for entry in INDEX.iter() {
            assert!(entry.ranges.windows(2).all(|pair| pair[0].1 < pair[1].0), "{}", entry.family);
            assert!(!entry.ranges.is_empty(), "{}", entry.family);
        }
        for (text, region) in [
            ("かな 花子", Region::Japan),
            ("﨑髙", Region::Japan),
            ("김민준", Region::Korea),
            ("李小龍", Region::China),
            ("ㄅ", Region::Taiwan),
        ] {
            assert_eq!(Region::of(&["Ana", text]), region, "{text}");
            assert!(INDEX.iter().any(|entry| entry.family == region.family()));
        }
    }

    #[test]
    fn latin_greek_and_cyrillic_open_no_file() {
        Fonts::with(|fonts| {
            let before = fonts.files.len();
            for face in [Face::Display, Face::Text, Face::Strong] {
                let text = "María José Núñez · 6,5 «A» Ελένη Παπαδοπούλου Нгуен Thị Ánh Ștefan Ñemitỹ G̃uarani";
                let choice = fonts.choose(text, face, Region::China);
                assert_eq!((choice.families.len(), choice.unknown.len()), (1, 0), "{face:?}");
            }
            assert_eq!(fonts.files.len(), before);
        });
    }
}
