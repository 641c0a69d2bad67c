//! Packs the document and the recipient of a credential, so that its item stays within one
//! write unit.
//!
//! A dictionary holds the text that all signed documents of a template version share: 3 KB
//! become some 300 bytes. A dictionary is named by its own hash and never changes. Its
//! documents cannot be read without it, so the same table stores it. The dictionary of
//! recipients is part of the program.

use std::{cell::RefCell, io};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// The dictionary of recipients: the members of their JSON and frequent values, the most
/// frequent last. It must never change, because every item was packed with it. Another
/// dictionary needs another format of the item.
pub const RECIPIENT: &[u8] = concat!(
    r#"},{"url":"https://www.","name":"Memoria","description":"Proyecto de título: diseño e "#,
    r#"implementación de "language":"en""role":"Docente""@hotmail.com""@outlook.com""@gmail.com""#,
    "Fernández Martínez Rodríguez Hernández Sánchez González Muñoz García López Pérez Díaz ",
    "José María Juan Carlos Luis Ana ",
    r#"{"email":"","recipient_name":"","result_value":"A","credits_earned":6.5,"evidence":["#,
    r#"{"url":"https://github.com/","name":"Proyecto final","description":""}],"#,
    r#""role":"Estudiante","license_number":"","term":"2026-2","#,
    r#""activity_start_date":"2026-08-03","activity_end_date":"2026-11-15","#,
    r#""external_id":"","language":"es"}"#,
)
.as_bytes();

/// Largest document, in bytes: a recipient takes 16 KiB, a template's texts more.
const MAX_DOCUMENT: usize = 256 * 1024;

thread_local! {
    /// Its state takes some 300 KB; allocating it for each document adds 4 µs to 22.
    static DEFLATE: RefCell<Compress> = RefCell::new(Compress::new(Compression::best(), false));
}

/// The name of a dictionary: 96 bits of its hash.
pub fn name_of(dictionary: &[u8]) -> String {
    let hash = digest(&SHA256, dictionary);
    URL_SAFE_NO_PAD.encode(hash.as_ref().get(..12).unwrap_or_default())
}

/// Packs a document.
///
/// # Errors
/// When it is larger than 256 KiB.
pub fn pack(document: &[u8], dictionary: &[u8]) -> io::Result<Vec<u8>> {
    if document.len() > MAX_DOCUMENT {
        return Err(io::Error::other("document too large"));
    }
    let mut packed = Vec::with_capacity(document.len() + 64);
    DEFLATE.with_borrow_mut(|deflate| {
        deflate.reset();
        deflate.set_dictionary(dictionary).map_err(io::Error::other)?;
        match deflate.compress_vec(document, &mut packed, FlushCompress::Finish) {
            Ok(Status::StreamEnd) => Ok(packed),
            _ => Err(io::Error::other("not packed")),
        }
    })
}

/// Unpacks a document: the bytes that were packed.
///
/// # Errors
/// When it was packed under another dictionary, or is damaged.
pub fn unpack(packed: &[u8], dictionary: &[u8]) -> io::Result<Vec<u8>> {
    let mut inflate = Decompress::new(false);
    inflate.set_dictionary(dictionary).map_err(io::Error::other)?;
    let mut document = Vec::with_capacity(8 * 1024);
    loop {
        let read = usize::try_from(inflate.total_in()).unwrap_or(usize::MAX);
        let rest = packed.get(read..).unwrap_or_default();
        match inflate.decompress_vec(rest, &mut document, FlushDecompress::Finish) {
            Ok(Status::StreamEnd) => return Ok(document),
            Ok(_) if document.len() == document.capacity() && document.len() < MAX_DOCUMENT => {
                document.reserve(document.capacity());
            }
            _ => return Err(io::Error::other("not unpacked")),
        }
    }
}

/// Stores a value as one JSON text, deflated under [`RECIPIENT`]: half the bytes. Reads the
/// plain text of earlier formats too. For `#[serde(with)]`.
pub(crate) mod json {
    use std::{fmt, marker::PhantomData};

    use serde::{
        Deserializer, Serialize, Serializer,
        de::{DeserializeOwned, Error, Visitor},
    };

    use super::{RECIPIENT, pack, unpack};

    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        value: &T,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let text = serde_json::to_vec(value).map_err(serde::ser::Error::custom)?;
        let packed = pack(&text, RECIPIENT).map_err(serde::ser::Error::custom)?;
        to.serialize_bytes(&packed)
    }

    pub(crate) fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(
        from: D,
    ) -> Result<T, D::Error> {
        from.deserialize_any(Either(PhantomData))
    }

    struct Either<T>(PhantomData<T>);

    impl<T: DeserializeOwned> Visitor<'_> for Either<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("JSON, deflated or plain")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            serde_json::from_str(text).map_err(E::custom)
        }

        fn visit_bytes<E: Error>(self, packed: &[u8]) -> Result<T, E> {
            let text = unpack(packed, RECIPIENT).map_err(E::custom)?;
            serde_json::from_slice(&text).map_err(E::custom)
        }
    }
}

/// Stores a day as the number `YYYYMMDD`: half the bytes of its text. For `#[serde(with)]`.
pub(crate) mod day {
    use jiff::civil::Date;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(day: &Option<Date>, to: S) -> Result<S::Ok, S::Error> {
        match day {
            None => to.serialize_none(),
            Some(day) => {
                let (year, month, day) = (day.year(), day.month(), day.day());
                to.serialize_i32(i32::from(year) * 10_000 + i32::from(month) * 100 + i32::from(day))
            }
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Date>, D::Error> {
        let Some(number) = Option::<i32>::deserialize(from)? else {
            return Ok(None);
        };
        let part = |number: i32| i8::try_from(number % 100).map_err(D::Error::custom);
        let year = i16::try_from(number / 10_000).map_err(D::Error::custom)?;
        Date::new(year, part(number / 100)?, part(number)?).map(Some).map_err(D::Error::custom)
    }
}

/// Stores an instant to the second as a number of seconds: 6 bytes instead of 21. A text of another form
/// stays a text, as in earlier formats. For `#[serde(with)]`.
pub(crate) mod second {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::domain::time;

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Seconds(i64),
        Text(String),
    }

    pub(crate) fn serialize<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
        let at = text.parse::<Timestamp>().ok().filter(|at| time::seconds(*at) == text);
        match at {
            Some(at) => to.serialize_i64(at.as_second()),
            None => to.serialize_str(text),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
        match Stored::deserialize(from)? {
            Stored::Text(text) => Ok(text),
            Stored::Seconds(seconds) => {
                Timestamp::from_second(seconds).map(time::seconds).map_err(D::Error::custom)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dictionary_of_recipients_never_changes() {
        // Every item was packed with it.
        assert_eq!(name_of(RECIPIENT), "tRD-9IrvcrTDbGob");
    }

    #[test]
    fn documents_come_back_byte_for_byte() {
        let dictionary =
            br#"{"name":"Universidad Demo","description":"Curso de 60 horas"}"#.repeat(20);
        for document in [
            Vec::new(),
            b"{}".to_vec(),
            br#"{"name":"Universidad Demo","description":"Curso de 60 horas","value":"A"}"#
                .to_vec(),
            (0..100_000_u32).flat_map(u32::to_le_bytes).take(200_000).collect(),
        ] {
            let packed = pack(&document, &dictionary).expect("packed");
            // Whatever was packed before.
            assert_eq!(pack(&document, &dictionary).expect("packed"), packed);
            assert_eq!(unpack(&packed, &dictionary).expect("unpacked"), document);
        }
        let packed = pack(b"Universidad Demo, Curso de 60 horas", &dictionary).expect("packed");
        assert!(packed.len() < 35);
        assert!(unpack(&packed, b"").is_err());
        assert!(unpack(&packed[..packed.len() - 1], &dictionary).is_err());
        assert!(pack(&vec![0; MAX_DOCUMENT + 1], &dictionary).is_err());
    }
}
