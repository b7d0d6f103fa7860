//! RSA keys whose primes a faulty library drew from far too few: told by the public modulus alone.
//!
//! The library of a family of chips (smart cards, trusted platform modules, identity cards) made primes of the form
//! `k·M + (65537^a mod M)`, where `M` is the product of the first primes. So its moduli are powers of 65537 modulo
//! every one of these primes, which by chance one modulus in 2^167 is.
//!
//! Source: CVE-2017-15361; Nemec and others, "The Return of Coppersmith's Attack" (2017), §2.2 and §5.1

/// Whether a modulus, big endian, is a power of 65537 modulo each of the primes.
pub(super) fn has_its_mark(modulus: &[u8]) -> bool {
    PRIMES
        .iter()
        .all(|prime| is_power(remainder(modulus, *prime), *prime))
}

fn remainder(modulus: &[u8], prime: u32) -> u32 {
    modulus
        .iter()
        .fold(0, |rest, byte| ((rest << 8) | u32::from(*byte)) % prime)
}

/// Whether `number` is 65537 to some power, modulo `prime`.
fn is_power(number: u32, prime: u32) -> bool {
    let generator = 65_537 % prime;
    let mut power = 1;
    for _ in 0..prime {
        if power == number {
            return true;
        }
        power = power * generator % prime;
    }
    false
}

/// The first 126 primes but for 2, which says nothing of odd numbers: as many as are in `M` for keys of 1,984 bits and more.
/// Shorter ones are refused anyway.
const PRIMES: [u32; 125] = primes();

const fn primes() -> [u32; 125] {
    let mut found = [0; 125];
    let (mut count, mut candidate) = (0, 3);
    while count < found.len() {
        let (mut divisor, mut is_prime) = (3, true);
        while divisor * divisor <= candidate {
            is_prime = is_prime && candidate % divisor != 0;
            divisor += 2;
        }
        if is_prime {
            #[allow(clippy::indexing_slicing)] // Checked by the loop; a slip wouldn't compile.
            {
                found[count] = candidate;
            }
            count += 1;
        }
        candidate += 2;
    }
    found
}

#[cfg(test)]
mod tests;
