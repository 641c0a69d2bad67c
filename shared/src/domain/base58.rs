//! Bytes as multibase base58btc: `z` and base58.

/// Writes bytes.
pub fn encode(bytes: &[u8]) -> String {
    format!("z{}", bs58::encode(bytes).into_string())
}

/// Reads exactly `N` bytes; none from any other text. The decoder's work grows with the square of
/// what it reads, so a text longer than `N` bytes take is not decoded.
pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.strip_prefix('z').filter(|digits| digits.len() <= longest(N))?;
    let mut bytes = [0; N];
    let read = bs58::decode(digits).onto(&mut bytes).ok()?;
    (read == N).then_some(bytes)
}

/// Digits of so many bytes: 138 for 100 of them, a little above log 256 / log 58.
const fn longest(bytes: usize) -> usize {
    bytes * 138 / 100 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_and_every_other_length_is_refused() {
        for bytes in [[0; 64], [1; 64], [255; 64], std::array::from_fn(|n| n as u8)] {
            let text = encode(&bytes);
            assert!(text.len() <= 1 + longest(64));
            assert_eq!(decode(&text), Some(bytes));
            assert_eq!(decode::<63>(&text), None);
            assert_eq!(decode::<65>(&text), None);
        }
        for text in ["", "z", "z0", "zO", "zé", "u5T", &encode(b"short"), &"1".repeat(64)] {
            assert_eq!(decode::<64>(text), None, "{text}");
        }
        // Refused by its length, or the decoder would report the last digit.
        for digit in ["1", "z", "2"] {
            assert_eq!(decode::<64>(&format!("z{}", digit.repeat(4_000_000))), None);
        }
    }
}
