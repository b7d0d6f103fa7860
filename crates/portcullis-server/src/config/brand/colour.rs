//! A colour that text can have: it stands out from a light page, and lightened from a dark one.
//!
//! Source: WCAG 2.2 §1.4.3, "relative luminance" and "contrast ratio"

use std::fmt;

/// A colour of links and buttons, dark enough for a white page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Colour([u8; 3]);

impl Colour {
    /// Reads `#` and six hexadecimal digits.
    ///
    /// # Errors
    /// What it must be: another form, or darker.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let form = "must be # and six hexadecimal digits, such as #14508c";
        let digits = text
            .strip_prefix('#')
            .filter(|digits| digits.len() == 6)
            .ok_or(form)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(form.to_owned());
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| form)?;
        let [_, red, green, blue] = number.to_be_bytes();
        let colour = Self([red, green, blue]);
        let contrast = colour.contrast(WHITE);
        if contrast < READABLE {
            let darker = colour.towards([0; 3], WHITE);
            return Err(format!(
                "must be darker: text of this colour stands out from white by {contrast:.1}:1 and needs {READABLE}:1; {darker} does"
            ));
        }
        Ok(colour)
    }

    /// The same colour for a dark page: lightened until it stands out there.
    pub(crate) fn on_dark(self) -> Self {
        self.towards([0xff; 3], DARK)
    }

    /// The nearest mixture with `end` that stands out from `background`.
    fn towards(self, end: [u8; 3], background: Self) -> Self {
        let mixed = |percent: u16| {
            let mix = |own: u8, other: u8| {
                let sum = u16::from(own) * (100 - percent) + u16::from(other) * percent;
                u8::try_from(sum / 100).unwrap_or(u8::MAX)
            };
            let ([a, b, c], [x, y, z]) = (self.0, end);
            Self([mix(a, x), mix(b, y), mix(c, z)])
        };
        (0..=100)
            .map(mixed)
            .find(|colour| colour.contrast(background) >= READABLE)
            .unwrap_or(Self(end))
    }

    fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.040_45 {
                share / 12.92
            } else {
                ((share + 0.055) / 1.055).powf(2.4)
            }
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// By how much text must stand out.
const READABLE: f64 = 4.5;

/// What text stands on in a light page: `--card` of the style.
const WHITE: Colour = Colour([0xff; 3]);

/// The same in a dark page.
const DARK: Colour = Colour([0x1d, 0x1f, 0x22]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_that_nobody_could_read_is_refused_with_one_that_does() {
        for (text, says) in [
            ("", "six hexadecimal digits"),
            ("14508c", "six hexadecimal digits"),
            ("#14508", "six hexadecimal digits"),
            ("#14508cc", "six hexadecimal digits"),
            ("#+4508c", "six hexadecimal digits"),
            ("#14508g", "six hexadecimal digits"),
            ("#1450é", "six hexadecimal digits"),
            ("red;}", "six hexadecimal digits"),
            ("#777777", "by 4.5:1 and needs"),
            ("#ffd000", "by 1.5:1 and needs"),
            ("#ffffff", "by 1.0:1 and needs"),
        ] {
            let said = Colour::parse(text).unwrap_err();
            assert!(said.contains(says), "{text}: {said}");
            if let Some((_, rest)) = said.rsplit_once("; ") {
                Colour::parse(rest.split(' ').next().unwrap()).unwrap();
            }
        }
        for text in ["#14508c", "#767676", "#000000", "#A3161C"] {
            assert_eq!(Colour::parse(text).unwrap().to_string(), text.to_lowercase());
        }
    }

    #[test]
    fn every_colour_has_one_for_dark_pages() {
        for text in ["#000000", "#14508c", "#a3161c", "#0000ff", "#1d1f22", "#767676"] {
            let colour = Colour::parse(text).unwrap();
            assert!(colour.contrast(WHITE) >= READABLE, "{text}");
            let lighter = colour.on_dark();
            assert!(lighter.contrast(DARK) >= READABLE, "{text} became {lighter}");
            // The words on a button of this colour.
            assert!(
                lighter.contrast(Colour([0x0b, 0x1a, 0x2a])) >= READABLE,
                "{text} became {lighter}"
            );
        }
    }

    #[test]
    fn the_style_has_the_backgrounds_that_are_reckoned_with() {
        let style = include_str!("../../ui/layout/style.css");
        let cards: Vec<&str> = style
            .split("--card: ")
            .skip(1)
            .map(|rest| rest.split(';').next().unwrap())
            .collect();
        assert_eq!(cards, [WHITE.to_string(), DARK.to_string()]);
        assert!(style.contains("--act: #14508c;") && style.contains("--act-ink: #0b1a2a;"));
    }
}
