//! What a user calls a device.

/// The name a user gives a device: 1 to 64 printable characters.
#[derive(Debug, Clone)]
pub struct DeviceName(String);

/// Why a device's name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a device's name has 1 to 64 printable characters")]
pub struct InvalidDeviceName;

impl DeviceName {
    /// Parses a name.
    ///
    /// # Errors
    /// [`InvalidDeviceName`].
    pub fn parse(text: &str) -> Result<Self, InvalidDeviceName> {
        let text = text.trim();
        let fits = (1..=64).contains(&text.chars().count());
        if fits && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidDeviceName)
        }
    }

    /// The name.
    pub fn into_string(self) -> String {
        self.0
    }
}
