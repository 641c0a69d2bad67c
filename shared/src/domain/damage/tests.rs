use super::*;

/// Damaged names, and what they were where that is sure.
const DAMAGED: &[(&str, Option<&str>)] = &[
    // UTF-8 read as Windows-1252 or Latin-1.
    ("JosÃ© NÃºÃ±ez", Some("José Núñez")),
    ("MarÃ\u{ad}a PÃ©rez", Some("María Pérez")),
    ("AngÃ©lica MuÃ±oz", Some("Angélica Muñoz")),
    ("BegoÃ±a IbÃ¡Ã±ez", Some("Begoña Ibáñez")),
    ("JOSÃ‰ MUÃ‘OZ", Some("JOSÉ MUÑOZ")),
    ("Ã“scar LeÃ³n", Some("Óscar León")),
    ("Ãscar Ã\u{81}lvarez", Some("Ãscar Álvarez")),
    ("JoÃ£o GonÃ§alves", Some("João Gonçalves")),
    ("FranÃ§ois LefÃ¨vre", Some("François Lefèvre")),
    ("BjÃ¶rn MÃ¼ller", Some("Björn Müller")),
    ("KÃ–LN", Some("KÖLN")),
    ("Ã…lesund", Some("Ålesund")),
    ("Ã¥klagar", Some("åklagar")),
    ("StraÃŸe", Some("Straße")),
    ("LegaÃ¯a", Some("Legaïa")),
    ("NicolÃ² Rossi", Some("Nicolò Rossi")),
    ("Oâ€™Brien", Some("O’Brien")),
    ("Garcia â€“ Soto", Some("Garcia – Soto")),
    ("DÂ´Angelo", Some("D´Angelo")),
    ("PÃ©rezÂ", Some("PérezÂ")),
    ("JosÃƒÂ© PÃƒÂ©rez", Some("José Pérez")),
    ("Å\u{81}ukasz", Some("Łukasz")),
    ("WaÅ‚Ä™sa", Some("Wałęsa")),
    ("NovÃ¡k DvoÅ™Ã¡k", Some("Novák Dvořák")),
    ("Ä°stanbul", Some("İstanbul")),
    ("RÄ«ga", Some("Rīga")),
    ("ÅžimÅŸek", Some("Şimşek")),
    ("È˜tefan", Some("Ștefan")),
    ("Nguyá»…n", Some("Nguyễn")),
    ("NguyÃªn VÅ© Æ¯u", Some("Nguyên Vũ Ưu")),
    ("Ð˜Ð²Ð°Ð½", Some("Иван")),
    ("æ\u{9d}Žå°\u{8f}é¾™", Some("李小龙")),
    ("JoseÌ\u{81}", Some("Jose\u{301}")),
    // UTF-8 read as other encodings.
    ("Jos√© Mu√±oz", Some("José Muñoz")),
    ("K√∂nig", Some("König")),
    ("Jos├® Mu├▒oz", None),
    ("JosĂ© Muñoz", Some("José Muñoz")),
    ("JosГ©", Some("José")),
    ("JosΓ©", Some("José")),
    ("Jos茅", Some("José")),
    ("Mu帽oz", Some("Muñoz")),
    ("Josﾃｩ", Some("José")),
    ("Р\u{98}РІР°РЅРѕРІ", Some("Иванов")),
    // One-byte encodings read as one another.
    ("Mar’a Mu–oz", None),
    ("Jos Ž PŽrez", None),
    ("PŽrez", None),
    ("Rodr’guez", None),
    ("Jesœs", None),
    ("Rold‡n", None),
    ("Ram—n", None),
    ("L—pez", None),
    ("Ca–ete", None),
    ("MU„OZ", None),
    ("MuÒoz", None),
    ("M·rquez", None),
    ("Garc¡a", None),
    ("Mu¤oz", None),
    ("Jos‚", None),
    ("Le¢n", None),
    ("Hern\u{a0}ndez", None),
    ("Mu±oz", None),
    ("Mar═a", None),
    ("MarÝa", None),
    ("Rodrφguez", None),
    ("Mßrquez", None),
    ("Gonz£lez", None),
    ("MarÃa", None),
    ("GarcÃa RodrÃguez", None),
    ("MartÃnez", None),
    // Letters lost.
    ("P\u{fffd}rez", None),
    ("K\u{fffd}\u{fffd}\u{fffd}nig", None),
    ("Mu?oz", None),
    ("Jos? P?rez", None),
    ("MU?OZ", None),
    ("Garci?a", None),
    ("?lvaro", None),
    // Letters as code.
    ("Sean O&#039;Brien", Some("Sean O'Brien")),
    ("O&#x27;Neal", Some("O'Neal")),
    ("Pe&ntilde;a", Some("Peña")),
    ("Jos&eacute; &Aacute;lvarez", Some("José Álvarez")),
    ("Soto &amp; Soto", Some("Soto & Soto")),
    ("P&#233;rez", Some("Pérez")),
    ("S&oslash;ren &Aring;berg", Some("Søren Åberg")),
];

/// Names that only look odd.
const ODD: &[&str] = &[
    // Those that programs and lists trip over.
    "Ana 🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "محمد\u{200c}رضا",
    "Ānanda",
    "Ôku",
    "Nguyễn",
    "Nan",
    "Null",
    "D'Ávila",
    "李",
    "Ãlves",
    "D’Ávila",
    "O’Brien",
    "O'Brien",
    "O´Brien",
    "O`Brien",
    "NaN",
    "None",
    "True",
    "Test",
    "Undefined",
    "Van",
    "de la O",
    "Ñ",
    "Ö",
    "Ø",
    "Ng",
    "E",
    "X Æ A-12",
    "Name",
    "null",
    "D’Angelo",
    "N’Golo",
    "M’Bappé",
    "l’Hôpital",
    "d’Ortigue",
    "Ka’ahumanu",
    "Isa’ako",
    "Ta’if",
    "Ya’akov",
    "Sana’a",
    "C’hoar",
    "Mu’ammar",
    "Qur’an",
    "Дем’ян",
    "Oʻgʻli",
    "O’g’li",
    // Case changed by programs that know ASCII alone.
    "JoÃo",
    "SebastiÃo",
    "MuÑoz",
    "PeÑa",
    "JosÉ",
    "PÉrez",
    "GarcÍa",
    "FranÇois",
    "HÉlÈne",
    "EugÈne",
    "NicolÒ",
    "IrmÃ",
    "GuimarÃes",
    "SimÕes",
    "DoÃn",
    "LÃm",
    "KriŽan",
    "TomÁŠ",
    "ÑAndú",
    "ÁNgel",
    // Spanish, Catalan, Basque, Galician, Portuguese.
    "Ángel Núñez",
    "ÁNGEL NÚÑEZ",
    "Begoña Iñárritu",
    "Íñigo Ibáñez",
    "Agüero",
    "Güiraldes",
    "Gal·la",
    "Marcel·lí",
    "Col·lell",
    "GAL·LA",
    "Josep Lluís Carod-Rovira",
    "Mª Ángeles",
    "M.ª José",
    "Dº Juan",
    "José Mª",
    "Ana Mª Peña",
    "Xoán",
    "Conceição",
    "JOÃO",
    "IRMÃ",
    "MAÇÃ",
    "ÂNGELA",
    "Ângela",
    "Luís",
    "Inês",
    "Açucena",
    "Assunção",
    "Magalhães",
    "MAGALHÃES",
    "Simões",
    "António",
    "Estêvão",
    "Zoë",
    "María José (Pepa) Ruiz",
    "Peña y Lillo",
    "García–Huidobro",
    "Pérez — Soto",
    "GARCÍA–LÓPEZ",
    "Ana–María",
    "Juan “Pepe” Soto",
    "Juan «Pepe» Soto",
    "Juan“Pepe”Soto",
    "Ana¹",
    "Ana Pérez†",
    "Ana Pérez®",
    "Juan Pérez, Jr.",
    "José A. Ñ.",
    "ÚBEDA",
    "Óscar",
    "ÓSCAR",
    // French, Italian, German, Nordic, Dutch.
    "Lebœuf",
    "Crèvecœur",
    "Schœlcher",
    "Kœnig",
    "Œdipe",
    "Noëlle",
    "Loïc",
    "Aÿ",
    "Louÿs",
    "L’Haÿ",
    "Françoise",
    "Élodie",
    "Nicolò",
    "Niccolò",
    "Cesarò",
    "Müller",
    "Weiß",
    "Strauß",
    "GROẞ",
    "Jürgen",
    "Åsa",
    "Ærø",
    "Bjørn",
    "BJØRN",
    "Sjögren",
    "Ångström",
    "Þór",
    "Guðrún",
    "Sigurðsson",
    "Ðorđe",
    "IJsbrand",
    "’t Hooft",
    "Van ’t Hoff",
    "Mañé",
    // Slavic, Baltic, Hungarian, Romanian, Turkish.
    "Dvořák",
    "KŘÍŽ",
    "Kříž",
    "Šimáček",
    "ŽIŽKA",
    "Lukáš",
    "LUKÁŠ",
    "Łukasz",
    "Wałęsa",
    "Żółć",
    "Čaputová",
    "Đorđević",
    "DŽenan",
    "Džeko",
    "Ľubomír",
    "Őry",
    "Ürményházi",
    "Ștefan",
    "Țuțea",
    "Şimşek",
    "Ğ",
    "İbrahim",
    "Işık",
    "Ījabs",
    "Žemaitytė",
    "Šuštar",
    "Ēriks",
    "Ģirts",
    "Jõgi",
    "Õun",
    "Ülo",
    // Vietnamese, Yoruba, Ewe, Māori, Hawaiian, Indigenous names of America.
    "Trần Thị Ánh Tuyết",
    "Đặng",
    "Nguyễn Ngọc Ân",
    "NGUYỄN VĂN Ư",
    "Lê Vũ",
    "Bùi Ý",
    "Ọlátúnjí",
    "Ṣọlá",
    "Kɔfi",
    "Ƒodome",
    "Ngāti",
    "Māhina",
    "Kaʻahumanu",
    "ʻŌpūnui",
    "Keʻala",
    "Qhichwa",
    "Ñusta",
    "Wiñay",
    "Ava Ñe’ẽ",
    "Ỹvy",
    "Mbya’i",
    "Tŝilhqox",
    "Sḵwx̱wú7mesh",
    "ʔaq̓am",
    "Sahaiʔa",
    "K’iche’",
    "Tz’utujil",
    "Jun K’aj",
    // Other scripts.
    "李小龍",
    "王",
    "约翰·史密斯",
    "山田 太郎",
    "やまだ・たろう",
    "ヴィ",
    "김민준",
    "남궁",
    "Иван Петров",
    "ІВАН",
    "Ні",
    "Ті",
    "Їжакевич",
    "ДІТІ",
    "Ђорђе",
    "Љубица",
    "Ґалаґан",
    "Άννα",
    "Γιώργος",
    "ΑΝΝΑ",
    "אברהם",
    "ח׳אלד",
    "محمد",
    "علی‌رضا",
    "عبد الله",
    "सन्दीप",
    "अनिता",
    "প্রিয়া",
    "ਗੁਰਪ੍ਰੀਤ",
    "તેજસ",
    "தமிழ்",
    "సుధా",
    "ಕನ್ನಡ",
    "സുരേഷ്",
    "สมชาย",
    "ลาว",
    "မောင်",
    "ភាសា",
    "ბექა",
    "Արմեն",
    "አበበ",
    "ᠮᠣᠩᠭᠣᠯ",
    "李 Jack",
    "T恤",
    "Ana 李",
    "卡拉OK",
    "Ana 🎓",
    "👩‍🎓 Ana",
];

#[test]
fn damaged_names_are_told_and_what_they_were() {
    assert!(DAMAGED.len() >= 40);
    let mut wrong = Vec::new();
    for (text, meant) in DAMAGED {
        let found = damage(text, Kind::Name);
        let told = match &found {
            Some(Damage::Misread(told)) => told.as_deref(),
            Some(Damage::Code(told) | Damage::Markup(told)) => Some(told.as_str()),
            Some(Damage::Lost | Damage::Formula | Damage::Unevaluated | Damage::Hidden(_))
            | None => None,
        };
        if found.is_none() || meant.is_some() && told != *meant {
            wrong.push(format!("{text:?} {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn names_that_only_look_odd_pass() {
    assert!(ODD.len() >= 200, "{}", ODD.len());
    let mut wrong = Vec::new();
    for name in ODD {
        for kind in [Kind::Name, Kind::Words, Kind::Code, Kind::Prose] {
            let spaced = format!("Ana {name} Soto");
            let upper = name.to_uppercase();
            for text in [*name, spaced.as_str(), upper.as_str()] {
                if let Some(damage) = damage(text, kind) {
                    wrong.push(format!("{text:?} {kind:?} {damage:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn words_codes_and_prose_say_what_a_name_does_not() {
    for (text, kind) in [
        ("Docente teórico–práctico", Kind::Words),
        ("Docente·Investigador", Kind::Words),
        ("¿Qué es el arte?Parte 2", Kind::Words),
        ("R&D; I+D", Kind::Words),
        ("AT&T", Kind::Name),
        ("Ana & Luis; Eva", Kind::Name),
        ("2026–I", Kind::Words),
        ("1.º semestre", Kind::Words),
        ("A?1234", Kind::Code),
        ("L±12·B¤", Kind::Code),
        ("5 °C ± 2 °C, 3 m³/s", Kind::Words),
        ("«Canal de Panamá»…", Kind::Prose),
        ("“A MAÇÔ", Kind::Prose),
        ("Dijo “l’été”… y “la MAÇÔ—", Kind::Prose),
        ("En HTML se escribe &nbsp; y &lt;div&gt;, Q&amp;A", Kind::Prose),
        ("index.php?id=3 y ¿por qué?", Kind::Prose),
        ("x ≤ y, a ≠ b, √2, ∫f", Kind::Prose),
        ("Coût : 10 € » ou « 5 £ »", Kind::Prose),
        ("Menú → Archivo │ Nuevo", Kind::Prose),
        ("IRMÃ\u{a0}MARIA", Kind::Name),
        ("?", Kind::Name),
        ("Ana (?)", Kind::Name),
    ] {
        assert_eq!(damage(text, kind), None, "{text:?}");
    }
    for (text, kind) in [
        ("IngenierÃ\u{ad}a", Kind::Words),
        ("Ingenier?a", Kind::Words),
        ("Educaci&oacute;n", Kind::Prose),
        ("Tesis sobre educaciÃ³n", Kind::Prose),
        ("OtoÃ±o 2026", Kind::Words),
        ("MatrÃ\u{ad}cula 7", Kind::Code),
        ("\u{fffd}1", Kind::Code),
    ] {
        assert!(damage(text, kind).is_some(), "{text:?}");
    }
}

#[test]
fn the_frequent_names_are_sorted_and_folded() {
    let names = names::FREQUENT;
    assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "sorted, each once");
    assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase())));
}

#[test]
fn the_fault_names_the_field_shows_the_text_and_says_what_to_do() {
    let found = Damaged::of("recipient_name", "JosÃ©").expect("damaged");
    assert_eq!(found.field, "recipient_name");
    assert_eq!(
        found.text(Lang::Es),
        "El campo recipient_name tiene letras dañadas: «JosÃ©» parece «José» leído en otra codificación. Corrígelas, o exporta otra vez los datos en UTF-8"
    );
    let long = format!("{}\u{fffd}", "a".repeat(500));
    let long = Damaged::of("role", &long).expect("damaged");
    assert!(long.text(Lang::En).chars().count() < 250);
}

/// Any text of any letters gets a verdict: none makes the judgement fail or run long.
#[test]
fn every_text_is_judged() {
    let letters: Vec<char> =
        "aZ ÃÂ©â€™í’–—ŽœÐ˜茅Ă├&#;x9?¿\u{fffd}\u{a0}\u{ad}\u{81}\u{9d}√ﾃ·l🎓".chars().collect();
    let mut state = 3_u32;
    for _ in 0..20_000 {
        let mut next = |below: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as usize % below
        };
        let text: String = (0..next(12)).filter_map(|_| letters.get(next(letters.len()))).collect();
        for kind in [Kind::Name, Kind::Words, Kind::Code, Kind::Prose] {
            let _ = damage(&text, kind);
        }
    }
}
