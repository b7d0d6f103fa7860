//! The characters of a key: base 62 of a fixed width, and the checksum that recognises a key without a database.
//!
//! The digits are in the order of ASCII, so texts of one width compare as their numbers do.

/// The characters, lowest digit first.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// How many characters 256 bits take.
pub(super) const RANDOM: usize = 43;

/// How many characters a checksum takes.
pub(super) const CHECKSUM: usize = 6;

/// 256 bits as text.
#[allow(
    clippy::indexing_slicing,
    reason = "constant bounds; slices have no other way in a constant function"
)]
pub(super) const fn encode(bytes: &[u8; 32]) -> [u8; RANDOM] {
    let mut number = *bytes;
    let mut text = [b'0'; RANDOM];
    let mut place = RANDOM;
    while place > 0 {
        place -= 1;
        // One long division by 62: the remainder is the digit.
        let mut rest = 0_u32;
        let mut index = 0;
        while index < number.len() {
            let value = (rest << 8) | number[index] as u32;
            number[index] = (value / 62).to_le_bytes()[0];
            rest = value % 62;
            index += 1;
        }
        text[place] = DIGITS[rest as usize];
    }
    text
}

/// What no random part exceeds: 2²⁵⁶ − 1.
const LARGEST: [u8; RANDOM] = encode(&[0xff; 32]);

/// Whether [`encode`] could have written it.
pub(super) fn is_random_part(text: &[u8]) -> bool {
    text.len() == RANDOM && text.iter().all(u8::is_ascii_alphanumeric) && *text <= LARGEST[..]
}

/// The checksum of `parts`, one after the other.
pub(super) fn checksum(parts: &[&[u8]]) -> [u8; CHECKSUM] {
    let mut number = crc32(parts);
    let mut text = [b'0'; CHECKSUM];
    for place in text.iter_mut().rev() {
        let digit = usize::try_from(number % 62).unwrap_or(0);
        *place = DIGITS.get(digit).copied().unwrap_or(b'0');
        number /= 62;
    }
    text
}

/// CRC-32 as in zip and Ethernet.
///
/// Source: ISO 3309, ITU-T V.42 §8.1.1.6.2 (polynomial 0xEDB88320, reflected)
fn crc32(parts: &[&[u8]]) -> u32 {
    let bytes = parts.iter().copied().flatten();
    !bytes.fold(u32::MAX, |sum, byte| {
        let index = usize::from(sum.to_le_bytes()[0] ^ byte);
        (sum >> 8) ^ TABLE.get(index).copied().unwrap_or(0)
    })
}

const TABLE: [u32; 256] = table();

#[allow(
    clippy::indexing_slicing,
    reason = "constant bounds; slices have no other way in a constant function"
)]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = byte;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 {
                (sum >> 1) ^ 0xedb8_8320
            } else {
                sum >> 1
            };
            bit += 1;
        }
        table[byte as usize] = sum;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_checksum_is_the_crc_that_everybody_knows() {
        for (text, sum) in [("", 0), ("123456789", 0xcbf4_3926), ("a", 0xe8b7_be43)] {
            assert_eq!(crc32(&[text.as_bytes()]), sum, "{text:?}");
        }
        assert_eq!(crc32(&[b"1234", b"", b"56789"]), 0xcbf4_3926);
        assert_eq!(&checksum(&[b""]), b"000000");
        assert_eq!(&checksum(&[b"123456789"]), b"3jZRME", "0xcbf43926 in base 62");
        assert_eq!(&checksum(&[b"a"]), b"4GEHKN", "0xe8b7be43 in base 62");
    }

    #[test]
    fn only_numbers_of_256_bits_are_taken() {
        assert_eq!(&encode(&[0; 32]), &[b'0'; RANDOM]);
        let mut one = [0; 32];
        one[31] = 61;
        assert_eq!(encode(&one)[RANDOM - 1], b'z');
        (one[30], one[31]) = (1, 0);
        assert_eq!(&encode(&one)[RANDOM - 2..], b"48", "256 is 4 × 62 + 8");
        assert!(is_random_part(&encode(&[0xff; 32])));
        let mut beyond = LARGEST;
        beyond[RANDOM - 1] += 1;
        assert!(!is_random_part(&beyond), "2²⁵⁶");
        assert!(!is_random_part(&[b'z'; RANDOM]));
        assert!(!is_random_part(&[b'0'; RANDOM - 1]));
        assert!(!is_random_part(&[b'0'; RANDOM + 1]));
        assert!(!is_random_part(&[b'-'; RANDOM]));
    }

    proptest! {
        #[test]
        fn numbers_keep_their_order_and_none_is_written_twice(a: [u8; 32], b: [u8; 32]) {
            prop_assert_eq!(encode(&a).cmp(&encode(&b)), a.cmp(&b));
            prop_assert!(is_random_part(&encode(&a)));
        }
    }
}
