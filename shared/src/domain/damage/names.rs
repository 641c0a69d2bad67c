//! Frequent Spanish and Portuguese names whose accented letter another encoding turned into a sign
//! that a name can have elsewhere: `Mar’a`, `MuÒoz`, `Jesœs`.

use unicode_normalization::UnicodeNormalization;

/// Names with an accented letter, without it; sorted.
pub(super) const FREQUENT: [&str; 169] = [
    "acuna",
    "adrian",
    "agustin",
    "alarcon",
    "alvarez",
    "alvaro",
    "andres",
    "angel",
    "angela",
    "angeles",
    "antonio",
    "aragon",
    "araujo",
    "asuncion",
    "avalos",
    "avendano",
    "avila",
    "aviles",
    "baez",
    "barbera",
    "barria",
    "begona",
    "belen",
    "beltran",
    "benitez",
    "bermudez",
    "bernabe",
    "bolanos",
    "caceres",
    "calderon",
    "canete",
    "cardenas",
    "carreno",
    "carrion",
    "castaneda",
    "ceron",
    "cesar",
    "cespedes",
    "chacon",
    "chavez",
    "colon",
    "conceicao",
    "concepcion",
    "cordoba",
    "cordova",
    "cortes",
    "cristobal",
    "damian",
    "diaz",
    "diez",
    "dominguez",
    "duran",
    "echeverria",
    "efrain",
    "elias",
    "encarnacion",
    "espana",
    "estefania",
    "fabian",
    "farias",
    "felix",
    "fermin",
    "fernandez",
    "florez",
    "galan",
    "galvez",
    "garcia",
    "gaston",
    "german",
    "gimenez",
    "gomez",
    "goncalves",
    "gonzalez",
    "guimaraes",
    "gutierrez",
    "guzman",
    "hector",
    "hernandez",
    "ibanez",
    "ines",
    "inigo",
    "iniguez",
    "isaias",
    "ivan",
    "jeronimo",
    "jesus",
    "jimenez",
    "joao",
    "joaquin",
    "jose",
    "josue",
    "julian",
    "lazaro",
    "leon",
    "lopez",
    "lucia",
    "macias",
    "magalhaes",
    "maria",
    "marin",
    "marques",
    "marquez",
    "martin",
    "martinez",
    "matias",
    "mazon",
    "mejia",
    "mendez",
    "millan",
    "moises",
    "mondragon",
    "monica",
    "montano",
    "munoz",
    "nicolas",
    "nino",
    "noe",
    "nunez",
    "ocana",
    "ordonez",
    "oscar",
    "paez",
    "patino",
    "pavon",
    "pena",
    "penaloza",
    "perez",
    "pinera",
    "pinon",
    "quinones",
    "ramirez",
    "ramon",
    "raul",
    "rendon",
    "rene",
    "rincon",
    "rios",
    "rocio",
    "rodriguez",
    "roldan",
    "ruben",
    "ruiz",
    "saenz",
    "saldana",
    "salomon",
    "sanchez",
    "saul",
    "sebastian",
    "sebastiao",
    "simoes",
    "simon",
    "sofia",
    "suarez",
    "tobias",
    "tomas",
    "trevino",
    "urena",
    "valdes",
    "vasquez",
    "vazquez",
    "velasquez",
    "velazquez",
    "veronica",
    "victor",
    "vicuna",
    "vinas",
    "yanez",
    "zacarias",
    "zuniga",
];

/// Signs for letters, by what was read as what: Mac OS Roman as Windows-1252 and the reverse,
/// Windows-1252 as the code pages 850 and 437, these as Windows-1252, and UTF-8 whose second
/// character was lost.
const SIGNS: [&[(char, char)]; 6] = [
    &[
        ('‡', 'a'),
        ('Ž', 'e'),
        ('’', 'i'),
        ('—', 'o'),
        ('œ', 'u'),
        ('–', 'n'),
        ('„', 'n'),
        ('Ÿ', 'u'),
        ('ƒ', 'e'),
        ('‹', 'a'),
        ('›', 'o'),
    ],
    &[
        ('·', 'a'),
        ('È', 'e'),
        ('Ì', 'i'),
        ('Û', 'o'),
        ('˙', 'u'),
        ('Ò', 'n'),
        ('¡', 'a'),
        ('…', 'e'),
        ('”', 'o'),
        ('⁄', 'u'),
        ('—', 'n'),
        ('¸', 'u'),
    ],
    &[('ß', 'a'), ('Ú', 'e'), ('Ý', 'i'), ('¾', 'o'), ('·', 'u'), ('±', 'n'), ('Ð', 'n')],
    &[('ß', 'a'), ('Θ', 'e'), ('φ', 'i'), ('≤', 'o'), ('·', 'u'), ('±', 'n')],
    &[
        ('\u{a0}', 'a'),
        ('‚', 'e'),
        ('¡', 'i'),
        ('¢', 'o'),
        ('£', 'u'),
        ('¤', 'n'),
        ('¥', 'n'),
        ('µ', 'a'),
    ],
    &[('Ã', 'i')],
];

/// Whether a text has a frequent name with a sign for one of its letters.
pub(super) fn has_damaged(text: &str) -> bool {
    text.split([' ', ',', '-', '(', ')']).any(|word| {
        let letters: Vec<char> = word.chars().collect();
        SIGNS.iter().any(|signs| {
            restored(&letters, signs).is_some_and(|name| FREQUENT.contains(&name.as_str()))
        })
    })
}

/// A word with letters for its signs, folded; none if it has no sign, or others.
fn restored(word: &[char], signs: &[(char, char)]) -> Option<String> {
    let mut name = String::with_capacity(word.len());
    let mut has_sign = false;
    for (at, c) in word.iter().enumerate() {
        let sign = signs.iter().find(|(sign, _)| sign == c);
        // An apostrophe before a capital is one: D’Ávila.
        let is_meant = *c == '’' && word.get(at + 1).is_some_and(|next| next.is_uppercase());
        match sign.filter(|_| !is_meant) {
            Some((_, letter)) => {
                has_sign = true;
                name.push(*letter);
            }
            None => name.push(folded(*c)?),
        }
    }
    has_sign.then_some(name)
}

/// The letter of ASCII under a letter's accents, in lower case.
pub(super) fn folded(c: char) -> Option<char> {
    std::iter::once(c)
        .nfd()
        .next()
        .filter(char::is_ascii_alphabetic)
        .map(|c| c.to_ascii_lowercase())
}
