//! Checks a model file before anything is made of it.
//!
//! A network says itself how much memory it takes: a file of a few bytes may ask for more than a machine has, and an
//! allocation that fails ends the process. So the sizes that stand in the file are bounded first. The format is ONNX,
//! <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>, in the wire format of Protocol Buffers.

/// Largest file in bytes; CenterFace has 7.3 MB.
pub(super) const MOST_BYTES: usize = 32 << 20;
/// Most operators of the network; CenterFace has 122.
const MOST_NODES: usize = 1000;
/// Largest dimension of a tensor; CenterFace has 960.
const MOST_DIMENSION: u64 = 2048;
/// Largest number in a list of an operator (strides, pads, sizes of kernels) and largest single number (groups).
const MOST_IN_LIST: u64 = 8;
const MOST_SINGLE: u64 = 2048;
/// Most operators that enlarge; each doubles width and height at the most.
const MOST_ENLARGING: usize = 6;

/// The shape of CenterFace's input as its published file declares it (10 × 3 × 32 × 32), and with free sizes instead.
const DECLARED: [u8; 16] = [10, 2, 8, 10, 10, 2, 8, 3, 10, 2, 8, 32, 10, 2, 8, 32];
const FREE: [u8; 16] = [10, 2, 18, 0, 10, 2, 8, 3, 10, 2, 18, 0, 10, 2, 18, 0];

/// Frees the sizes of the input where they are declared as in the published file.
pub(super) fn with_free_sizes(mut model: Vec<u8>) -> Vec<u8> {
    let mut places = model.windows(DECLARED.len()).enumerate().filter(|(_, w)| **w == DECLARED);
    let at = places.next().map(|(at, _)| at).filter(|_| places.next().is_none());
    if let Some(place) = at.and_then(|at| model.get_mut(at..at + FREE.len())) {
        place.copy_from_slice(&FREE);
    }
    model
}

/// Checks the sizes that a model states.
///
/// # Errors
/// What is wrong, as the end of a sentence.
pub(super) fn check(model: &[u8]) -> Result<(), String> {
    let graphs: Vec<&[u8]> = fields(model)?.iter().filter_map(|f| f.bytes(7)).collect();
    let [graph] = graphs.as_slice() else { return Err("has no network".to_owned()) };
    let (mut nodes, mut enlarging) = (0, 0);
    for field in fields(graph)? {
        if let Some(node) = field.bytes(1) {
            nodes += 1;
            enlarging += usize::from(check_node(node)?);
        }
        if let Some(tensor) = field.bytes(5) {
            check_tensor(tensor)?;
        }
        if field.number == 15 {
            return Err("has sparse tensors".to_owned());
        }
    }
    if nodes > MOST_NODES || enlarging > MOST_ENLARGING {
        return Err(format!("has {nodes} operators, {enlarging} of which enlarge"));
    }
    Ok(())
}

/// Checks an operator; whether it enlarges.
fn check_node(node: &[u8]) -> Result<bool, String> {
    let node = fields(node)?;
    let enlarges = node.iter().any(|f| f.bytes(4) == Some(b"ConvTranspose"));
    for attribute in node.iter().filter_map(|f| f.bytes(5)) {
        let attribute = fields(attribute)?;
        let is = |name: &[u8]| attribute.iter().any(|f| f.bytes(1) == Some(name));
        // Strides of what enlarges multiply, the sizes of its output are stated nowhere else.
        let most = if enlarges && is(b"strides") { 2 } else { MOST_IN_LIST };
        if enlarges && (is(b"output_shape") || is(b"output_padding")) {
            return Err("states sizes of outputs".to_owned());
        }
        for field in &attribute {
            let numbers = match field.number {
                3 => vec![field.value],
                8 => field.numbers()?,
                5 => {
                    check_tensor(field.data)?;
                    continue;
                }
                // Lists of tensors, and graphs of their own.
                6 | 10 | 11 => return Err("holds a network in an operator".to_owned()),
                _ => continue,
            };
            let most = if field.number == 3 { MOST_SINGLE } else { most };
            if let Some(large) = numbers.into_iter().find(|n| *n > most) {
                return Err(format!("has an operator of size {large}"));
            }
        }
    }
    Ok(enlarges)
}

/// Checks a tensor of weights: its dimensions, and that its data are in the file.
fn check_tensor(tensor: &[u8]) -> Result<(), String> {
    let tensor = fields(tensor)?;
    let mut count = 1_u64;
    for field in tensor.iter().filter(|f| f.number == 1) {
        for dimension in field.numbers()? {
            if dimension > MOST_DIMENSION {
                return Err(format!("has a tensor {dimension} wide"));
            }
            count = count.saturating_mul(dimension);
        }
    }
    if tensor.iter().any(|f| f.number == 13 || f.number == 14 && f.value != 0) {
        return Err("keeps its weights in another file".to_owned());
    }
    match count > (MOST_BYTES / 4) as u64 {
        true => Err(format!("has a tensor of {count} numbers")),
        false => Ok(()),
    }
}

/// A field of a message.
#[derive(Debug, Clone, Copy)]
struct WireField<'a> {
    number: u64,
    /// A number, where it is one.
    value: u64,
    /// Its bytes, where it has a length.
    data: &'a [u8],
    has_length: bool,
}

impl<'a> WireField<'a> {
    /// The bytes of field `number`.
    fn bytes(&self, number: u64) -> Option<&'a [u8]> {
        (self.number == number && self.has_length).then_some(self.data)
    }

    /// The numbers of a list, packed or one by one.
    fn numbers(&self) -> Result<Vec<u64>, String> {
        if !self.has_length {
            return Ok(vec![self.value]);
        }
        let mut numbers = Vec::new();
        let mut rest = self.data;
        while !rest.is_empty() {
            numbers.push(number(&mut rest)?);
        }
        Ok(numbers)
    }
}

/// The fields of a message.
fn fields(mut rest: &[u8]) -> Result<Vec<WireField<'_>>, String> {
    let mut found = Vec::new();
    while !rest.is_empty() {
        let tag = number(&mut rest)?;
        let mut field = WireField { number: tag >> 3, value: 0, data: &[], has_length: false };
        match tag & 7 {
            0 => field.value = number(&mut rest)?,
            1 => drop(taken(&mut rest, 8)?),
            2 => {
                let length = number(&mut rest)?;
                field.data = taken(&mut rest, length)?;
                field.has_length = true;
            }
            5 => drop(taken(&mut rest, 4)?),
            _ => return Err("is no ONNX file".to_owned()),
        }
        found.push(field);
    }
    Ok(found)
}

fn taken<'a>(rest: &mut &'a [u8], length: u64) -> Result<&'a [u8], String> {
    let parts = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
    let (data, after) = parts.ok_or("ends too early")?;
    *rest = after;
    Ok(data)
}

/// A number in groups of seven bits, the lowest first.
fn number(rest: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first().ok_or("ends too early")?;
        *rest = after;
        value |= u64::from(byte & 127) << shift;
        if byte & 128 == 0 {
            return Ok(value);
        }
    }
    Err("is no ONNX file".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(fields: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = vec![];
        for (number, data) in fields {
            bytes.push(number << 3 | 2);
            let (low, high) = (data.len() as u8 & 127, (data.len() >> 7) as u8);
            if high > 0 {
                bytes.extend([low | 128, high])
            } else {
                bytes.push(low)
            }
            bytes.extend(data);
        }
        bytes
    }

    fn node(kind: &str, attribute: &str, value: u8) -> Vec<u8> {
        let attribute = message(&[(1, attribute.into()), (8, vec![value, value])]);
        message(&[(4, kind.into()), (5, attribute)])
    }

    fn model(node: Vec<u8>) -> Vec<u8> {
        message(&[(7, message(&[(1, node)]))])
    }

    #[test]
    fn sizes_beyond_the_bounds_are_refused() {
        assert_eq!(check(&model(node("Conv", "strides", 2))), Ok(()));
        assert_eq!(check(&model(node("ConvTranspose", "strides", 2))), Ok(()));
        let refused = |model: &[u8]| check(model).err().unwrap_or_default();
        assert_eq!(refused(&model(node("Conv", "pads", 100))), "has an operator of size 100");
        let four = model(node("ConvTranspose", "strides", 4));
        assert_eq!(refused(&four), "has an operator of size 4");
        // 4097 × 1, as a number of two groups.
        let wide = message(&[(5, vec![1 << 3, 0x81, 0x20])]);
        assert_eq!(refused(&message(&[(7, wide)])), "has a tensor 4097 wide");
        assert_eq!(refused(&[0x3a, 100]), "ends too early");
        assert_eq!(refused(b"hello"), "is no ONNX file");
        assert_eq!(refused(b""), "has no network");
    }

    #[test]
    fn the_declared_sizes_are_freed_once() {
        let framed = |middle: &[u8]| [b"a", middle, b"b"].concat();
        assert_eq!(with_free_sizes(framed(&DECLARED)), framed(&FREE));
        let twice = [DECLARED, DECLARED].concat();
        assert_eq!(with_free_sizes(twice.clone()), twice);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = check(&bytes);
            let _ = check(&model(bytes));
        }
    }
}
