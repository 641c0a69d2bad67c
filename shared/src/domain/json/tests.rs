use serde_json::Value;

use super::*;

const SMALL: Bounds = Bounds { depth: 4, values: 12, apart: Some("list") };

fn pointers(text: &str) -> Vec<String> {
    let found = survey(text, &Bounds::BODY).expect("within bounds");
    found.repeated.iter().map(Repeated::pointer).collect()
}

#[test]
fn a_repeated_member_is_found_at_any_depth_however_its_name_is_spelled() {
    for (text, places) in [
        ("{}", vec![]),
        (r#"{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}"#, vec![]),
        (r#"{"a":"a","b":"b","c":["a","a",["a"]]}"#, vec![]),
        (r#"{"a":1,"a":2}"#, vec!["/a"]),
        (r#"{"a":1,"a":2,"a":3}"#, vec!["/a"]),
        (r#" { "a" : 1 , "a" : 1 } "#, vec!["/a"]),
        ("{\"a\"\n\t\r :1,\"\\u0061\"\n:2}", vec!["/a"]),
        (r#"{"value":"F","v\u0061lue":"A"}"#, vec!["/value"]),
        (r#"{"\ud83d\ude00":1,"😀":2}"#, vec!["/😀"]),
        (r#"{"\"":1,"\u0022":2}"#, vec!["/\""]),
        (r#"{"\\":1,"\\\\":2,"\\":3}"#, vec!["/\\"]),
        (r#"{"a/b~":1,"a\/b~":2}"#, vec!["/a~1b~0"]),
        (r#"{"":1,"":2}"#, vec!["/"]),
        // One letter in two forms is two names.
        ("{\"\u{e9}\":1,\"e\u{301}\":2}", vec![]),
        (r#"{"a":{"b":[0,{"c":1,"c":2}]}}"#, vec!["/a/b/1/c"]),
        (r#"{"a":[[],{},[{"b":1,"b":{}}]],"a":0}"#, vec!["/a/2/0/b", "/a"]),
        (r#"[{"a":1,"a":2},{"a":1},{"b":1,"b":2}]"#, vec!["/0/a", "/2/b"]),
        (r#"{"proof":[{"x":1}],"p":{"q":"}","r":"{\"q\":1,\"q\":2}"}}"#, vec![]),
        (r#"{"a":"\\","a":"\"","b":1}"#, vec!["/a"]),
    ] {
        assert_eq!(pointers(text), places, "{text}");
        serde_json::from_str::<Value>(text).expect("JSON");
    }
    let many: Vec<String> = (0..1_000).map(|n| format!("\"m{n}\":{n}")).collect();
    let text = format!("{{{},\"m7\":0,\"\\u006d8\":0}}", many.join(","));
    assert_eq!(pointers(&text), ["/m7", "/m8"]);
    let found = survey(r#"{"e":[{"n":{"x":1,"x":2}}]}"#, &Bounds::BODY).expect("within bounds");
    assert_eq!(found.repeated[0].field(), "e[0].n.x");
    assert!(found.repeated[0].is_inside("e") && !found.repeated[0].is_inside("n"));
}

#[test]
fn the_first_hundred_places_are_kept_and_the_others_counted() {
    let text = format!("[{}]", [r#"{"a":1,"a":2}"#; 250].join(","));
    let found = survey(&text, &Bounds::BODY).expect("within bounds");
    assert_eq!((found.repeated.len(), found.more), (100, 150));
    let long = format!(r#"{{"{0}":1,"{0}":2}}"#, "x".repeat(100_000));
    assert_eq!(pointers(&long)[0].len(), 61);
}

#[test]
fn depth_and_values_have_bounds() {
    for (text, excess) in [
        ("[[[[]]]]", None),
        ("[[[[[]]]]]", Some(Excess::Depth(4))),
        (r#"{"a":{"b":{"c":{"d":{}}}}}"#, Some(Excess::Depth(4))),
        ("[1,2,3,4,5,6,7,8,9,10,11]", None),
        ("[1,2,3,4,5,6,7,8,9,10,11,12]", Some(Excess::Values(12))),
        (r#"["1","2","3","4","5","6","7","8","9","10","11","12"]"#, Some(Excess::Values(12))),
        ("[{},[],{},[],{},[],{},[],{},[],{}]", None),
        ("[{},[],{},[],{},[],{},[],{},[],{},[]]", Some(Excess::Values(12))),
        (r#"{"a":1,"b":true,"c":null,"d":-1.5e3,"e":"x","f":[],"g":{"h":[ 0 , 1 ]}}"#, None),
        // What is surveyed later counts here, and nothing else of it does.
        (r#"{"list":[[[[[[[[]]]]]]]]}"#, None),
        (r#"{"list":[{"a":1,"a":2}]}"#, None),
        (r#"{"list":[[1,2,3,4],[1,2,3,4,5]]}"#, Some(Excess::Values(12))),
        (r#"{"list":{"list":[[[[]]]]}}"#, Some(Excess::Depth(4))),
        (r#"{"other":[[[[]]]]}"#, Some(Excess::Depth(4))),
        (r#"[["list",[[[]]]]]"#, Some(Excess::Depth(4))),
    ] {
        let found = survey(text, &SMALL);
        assert_eq!(found.clone().err(), excess, "{text}");
        assert!(found.is_err() || found == Ok(Survey::default()), "{text}");
    }
    let text = r#"{"l\u0069st":[{"a":{"b":1}},[0]],"list":[],"x":[{"y":1,"y":2}]}"#;
    let found = survey(text, &SMALL).expect("within bounds");
    let places: Vec<String> = found.repeated.iter().map(Repeated::pointer).collect();
    assert_eq!(places, ["/x/0/y", "/list"]);
}

/// Values of a tree as the survey counts them.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(values) => values.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

/// A random text with the members that it repeats; its names are told apart by their number.
fn random(rng: &mut fastrand::Rng, depth: usize, at: &str, repeated: &mut Vec<String>) -> String {
    let blank = |rng: &mut fastrand::Rng| ["", " ", "\n", "\t "][rng.usize(..4)];
    match rng.usize(0..if depth > 5 { 4 } else { 8 }) {
        0 => "\"{[,:]}\\\"\\\\\"".to_owned(),
        1 => "-1.5e-3".to_owned(),
        2 => "null".to_owned(),
        3 => "\"\"".to_owned(),
        4 | 5 => {
            let entries: Vec<String> = (0..rng.usize(0..4))
                .map(|n| random(rng, depth + 1, &format!("{at}/{n}"), repeated))
                .collect();
            format!("[{}{}]", blank(rng), entries.join(", "))
        }
        _ => {
            let (mut counts, mut members) = (std::collections::HashMap::new(), Vec::new());
            let most = if rng.u8(..) == 0 { 60 } else { 6 };
            for _ in 0..rng.usize(0..most) {
                let name = rng.usize(0..20);
                let spelled =
                    if rng.bool() { format!("\\u006e{name}") } else { format!("n{name}") };
                let at = format!("{at}/n{name}");
                let value = random(rng, depth + 1, &at, repeated);
                members.push(format!("\"{spelled}\"{}:{}{value}", blank(rng), blank(rng)));
                let seen: &mut usize = counts.entry(at.clone()).or_default();
                *seen += 1;
                if *seen == 2 {
                    repeated.push(at);
                }
            }
            format!("{{{}}}{}", members.join(","), blank(rng))
        }
    }
}

#[test]
fn thousands_of_random_texts_are_surveyed_as_the_parser_reads_them() {
    let mut rng = fastrand::Rng::with_seed(21);
    let wide = Bounds { depth: 100, values: usize::MAX, apart: None };
    let mut with_repeats = 0;
    for _ in 0..5_000 {
        let mut repeated = Vec::new();
        let text = random(&mut rng, 0, "", &mut repeated);
        let found = survey(&text, &wide).expect("within bounds");
        let mut places: Vec<String> = found.repeated.iter().map(Repeated::pointer).collect();
        places.sort_unstable();
        repeated.sort_unstable();
        assert!(found.more == 0 || places.len() == 100);
        if found.more == 0 {
            assert_eq!(places, repeated, "{text}");
        }
        with_repeats += usize::from(!repeated.is_empty());
        let tree: Value = serde_json::from_str(&text).expect("JSON");
        if repeated.is_empty() {
            let exact = Bounds { values: count(&tree), ..wide };
            assert!(survey(&text, &exact).is_ok(), "{text}");
            let less = Bounds { values: count(&tree) - 1, ..wide };
            assert_eq!(survey(&text, &less), Err(Excess::Values(less.values)), "{text}");
        }
        // No text makes it fail or loop, wherever it is cut.
        let at = (0..=rng.usize(0..=text.len())).rev().find(|at| text.is_char_boundary(*at));
        let _ = survey(&text[..at.unwrap_or_default()], &SMALL);
    }
    assert!(with_repeats > 100, "{with_repeats}");
}
