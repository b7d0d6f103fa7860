//! How deep a policy may be, found out before anything recursive reads it.
//!
//! The language's parser, validator and evaluator call themselves for every level of an expression, and a chain of
//! operators has a level for each. A stack that runs out ends the process, so what would come near is refused while it
//! is text.

/// Where the first policy begins to be too deep, in bytes; `None` if none is.
pub(super) fn beyond(text: &str) -> Option<usize> {
    let mut depth = Depth::default();
    let mut rest = text.bytes().enumerate().peekable();
    // Whether the byte before belongs to a word: `if` inside of one is none.
    let mut inside = false;
    while let Some((at, byte)) = rest.next() {
        let next = rest.peek().map(|(_, next)| *next);
        let in_word = std::mem::replace(&mut inside, byte == b'_' || byte.is_ascii_alphanumeric());
        match (byte, next) {
            (b'"', _) => skip_text(&mut rest),
            (b'/', Some(b'/')) => skip_line(&mut rest),
            (b'(' | b'[' | b'{', _) => depth.open(),
            (b')' | b']' | b'}', _) => depth.close(),
            (b';', _) if depth.outer.is_empty() => depth = Depth::default(),
            (b',', _) => depth.here.next(),
            (b'.', _) => depth.here.operand += 1,
            (b'=' | b'<' | b'>', _) => depth.here.operand_ends(),
            (b'i', Some(b'f')) if in_word => {}
            // `if`, or a word that begins so: a link too many does no harm.
            (b'&', Some(b'&')) | (b'|', Some(b'|')) | (b'i', Some(b'f')) | (b'+' | b'-' | b'*' | b'!', _) => {
                depth.here.operand_ends();
                depth.here.links += 1;
            }
            _ => continue,
        }
        if depth.outer.len() > MOST_OPEN || depth.levels() > DEEPEST {
            return Some(at);
        }
    }
    None
}

/// The brackets that are open, and what was read in each.
#[derive(Debug, Default)]
struct Depth {
    outer: Vec<Level>,
    here: Level,
}

/// What was read between two brackets, in levels.
#[derive(Debug, Default)]
struct Level {
    /// The operators of the chain that is being read.
    links: usize,
    /// Its operand that is being read: its members, calls and closed brackets.
    operand: usize,
    /// The deepest operand before it.
    operands: usize,
    /// The deepest of what stands before the last comma.
    before: usize,
}

impl Depth {
    fn open(&mut self) {
        self.outer.push(std::mem::take(&mut self.here));
    }

    fn close(&mut self) {
        if let Some(outer) = self.outer.pop() {
            let inner = std::mem::replace(&mut self.here, outer).levels();
            self.here.operand = self.here.operand.max(inner) + 1;
        }
    }

    fn levels(&self) -> usize {
        let outer = self.outer.iter().map(Level::levels).sum::<usize>();
        outer + self.outer.len() + self.here.levels()
    }
}

impl Level {
    fn levels(&self) -> usize {
        self.before.max(self.links + self.operands.max(self.operand))
    }

    fn operand_ends(&mut self) {
        self.operands = self.operands.max(self.operand);
        self.operand = 0;
    }

    /// The next of several that stand beside each other.
    fn next(&mut self) {
        *self = Self {
            before: self.levels(),
            ..Self::default()
        };
    }
}

/// What stands in quotes nests nothing.
fn skip_text(rest: &mut impl Iterator<Item = (usize, u8)>) {
    while let Some((_, byte)) = rest.next() {
        match byte {
            b'\\' => {
                rest.next();
            }
            b'"' => return,
            _ => {}
        }
    }
}

fn skip_line(rest: &mut impl Iterator<Item = (usize, u8)>) {
    for (_, byte) in rest {
        if byte == b'\n' {
            return;
        }
    }
}

/// The most brackets that are open at once.
const MOST_OPEN: usize = 64;

/// The most levels of a policy: less than half of what two megabytes of stack take without optimisation.
const DEEPEST: usize = 250;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_beside_each_other_the_deepest_counts_wherever_it_stands() {
        let chain = format!("1{}", "+1".repeat(200));
        for list in [
            format!("[{chain}, 1]"),
            format!("[1, {chain}]"),
            format!("[1, {chain}, 1]"),
        ] {
            // 200 links, the bracket that closes, and the members after it: up to 250.
            for (members, refused) in [(50, true), (49, false)] {
                let text = format!("{list}{}", ".a".repeat(members));
                assert_eq!(beyond(&text).is_some(), refused, "{text}");
            }
        }
    }
}
