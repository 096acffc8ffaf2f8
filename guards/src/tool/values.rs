//! Assigns the values of `--param`, `--text`, `--blob` and `--null` to the statement's parameters.

use super::sql::Parameters;

/// A value for a parameter, as the user wrote it: `VALUE`, or `NAME=VALUE` for a named parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    pub kind: Kind,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number if the value is a number in SQL, and text otherwise.
    Param,
    Text,
    /// Bytes, as hexadecimal digits.
    Blob,
    /// NULL. The user writes only the parameter's name, or nothing at all.
    Null,
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

/// Returns the values of all parameters, in the order of the parameters' numbers. Values without a
/// name are assigned to the parameters without a name, in the same order.
///
/// # Errors
/// Returns a message if a parameter has no value, or more than one, if there are too many values,
/// or if a blob is not written in hexadecimal digits.
pub fn assign(parameters: &Parameters, given: &[Given]) -> Result<Vec<Value>, String> {
    let names = &parameters.names;
    let is_named = |number: &usize| names.values().any(|named| named == number);
    let mut unnamed = (1..=parameters.highest).filter(|number| !is_named(number));
    for given in given {
        reject_ambiguous(parameters, given)?;
    }
    for null in given.iter().filter(|given| given.kind == Kind::Null && !given.text.is_empty()) {
        if named(parameters, null).is_none() {
            return Err(format!("the statement has no parameter named {}", null.text));
        }
    }
    let expected = unnamed.clone().count();
    let without_name = given.iter().filter(|given| named(parameters, given).is_none()).count();
    if expected != without_name {
        let hint = match names.keys().next() {
            Some(name) => format!("; for {name}, write --param {}=VALUE", &name[1..]),
            None => String::new(),
        };
        return Err(format!(
            "the statement needs {expected} values without a name, and {without_name} were \
             given{hint}"
        ));
    }

    let mut values: Vec<Option<Value>> = vec![None; parameters.highest];
    for given in given {
        let (number, text) = match named(parameters, given) {
            Some((name, text)) => (names[name], text),
            None => (unnamed.next().expect("we have compared the numbers"), given.text.as_str()),
        };
        let value = &mut values[number - 1];
        if value.is_some() {
            return Err(format!("two values were given for the same parameter: {}", given.text));
        }
        *value = Some(convert(given.kind, text)?);
    }
    match names.iter().find(|(_, number)| values[**number - 1].is_none()) {
        Some((name, _)) => {
            Err(format!("no value was given for {name}: write --param {}=VALUE", &name[1..]))
        }
        None => Ok(values.into_iter().flatten().collect()),
    }
}

/// Returns the name of the parameter that the value is for, and the value without that name. The
/// user may write the name without its `:`, `@` or `$`. Returns `None` if the statement has no such
/// parameter.
fn named<'a>(parameters: &'a Parameters, given: &'a Given) -> Option<(&'a str, &'a str)> {
    let (name, value) = match given.kind {
        Kind::Null => (given.text.as_str(), ""),
        // The name itself may contain `=` only in parentheses, where nobody needs it.
        _ => given.text.split_once('=')?,
    };
    let mut names = parameters.names.keys();
    let name = names.find(|full| **full == name || full[1..] == *name)?;
    Some((name, value))
}

/// Returns a message if the name could mean several parameters, such as `:x` and `@x`.
fn reject_ambiguous(parameters: &Parameters, given: &Given) -> Result<(), String> {
    let name = match given.kind {
        Kind::Null => given.text.as_str(),
        _ => given.text.split_once('=').map_or("", |(name, _)| name),
    };
    let full_names = parameters.names.keys().filter(|full| full[1..] == *name);
    let full_names: Vec<_> = full_names.map(String::as_str).collect();
    match full_names.len() {
        0 | 1 => Ok(()),
        _ => Err(format!("{name} is ambiguous: write {}=VALUE", full_names.join("=VALUE or "))),
    }
}

fn convert(kind: Kind, text: &str) -> Result<Value, String> {
    Ok(match kind {
        Kind::Null => Value::Null,
        Kind::Text => Value::Text(text.into()),
        Kind::Param => number(text).unwrap_or_else(|| Value::Text(text.into())),
        Kind::Blob => Value::Blob(bytes(text).ok_or_else(|| {
            format!("--blob needs an even number of hexadecimal digits, such as 00ff: {text}")
        })?),
    })
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?)).collect()
}

/// Returns the number that SQLite would read in this text, which may begin with a sign. There is
/// one difference: `007`, for example, stays text, because leading zeros usually mean that it is
/// an identifier, such as a postal code.
///
/// Like SQLite, this returns a real number for a decimal integer that does not fit in an `i64`. A
/// hexadecimal integer of more than 64 bits, which is an error in SQL, stays text.
pub fn number(text: &str) -> Option<Value> {
    let is_negative = text.starts_with('-');
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(digits) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        let digits = without_separators(digits, |byte| byte.is_ascii_hexdigit())?;
        // `from_str_radix` would accept another sign.
        let bits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u64::from_str_radix(&digits, 16).ok().filter(|_| bits)?.cast_signed();
        return match is_negative {
            true => number.checked_neg().map(Value::Integer),
            false => Some(Value::Integer(number)),
        };
    }
    let digits = without_separators(unsigned, |byte| byte.is_ascii_digit())?;
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits.as_str(), None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_digits = exponent.map(|digits| digits.strip_prefix(['-', '+']).unwrap_or(digits));
    let is_number = is_digits(whole)
        && fraction.is_none_or(is_digits)
        && !(whole.is_empty() && fraction.is_none_or(str::is_empty))
        && exponent_digits.is_none_or(|digits| !digits.is_empty() && is_digits(digits));
    let has_leading_zeros = whole.len() > 1 && whole.starts_with('0');
    if !is_number || has_leading_zeros {
        return None;
    }
    let signed = if is_negative { format!("-{digits}") } else { digits.clone() };
    let is_integer = fraction.is_none() && exponent.is_none();
    let integer = signed.parse().ok().filter(|_| is_integer).map(Value::Integer);
    integer.or_else(|| signed.parse().ok().map(Value::Real))
}

/// Removes the underscores from a number. Returns `None` if one of them is not between two digits.
fn without_separators(text: &str, is_digit: fn(&u8) -> bool) -> Option<String> {
    let bytes = text.as_bytes();
    let is_between = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        before.is_some_and(is_digit) && bytes.get(at + 1).is_some_and(is_digit)
    };
    let mut separators = text.match_indices('_');
    separators.all(|(at, _)| is_between(at)).then(|| text.replace('_', ""))
}
