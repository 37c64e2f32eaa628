use crate::trust::der::{NotDer, Reader, dotted, single, tag, wrap};

#[test]
fn lengths() {
    let accepted: [(&[u8], usize); 4] = [
        (&[0x04, 0x00], 0),
        (&[0x04, 0x01, 0xaa], 1),
        (&[0x04, 0x03, 1, 2, 3], 3),
        (&[0x30, 0x00], 0),
    ];
    for (bytes, len) in accepted {
        let (_, content) = Reader::new(bytes).any().unwrap();
        assert_eq!(content.len(), len);
    }
    let refused: [&[u8]; 9] = [
        &[],
        &[0x04],
        &[0x04, 0x01],
        &[0x04, 0x80, 0x00, 0x00],
        &[0x04, 0x81, 0x01, 0xaa],
        &[0x04, 0x82, 0x00, 0x80],
        &[0x04, 0x85, 1, 1, 1, 1, 1],
        &[0x04, 0x84, 0xff, 0xff, 0xff, 0xff],
        &[0x1f, 0x81, 0x01, 0x00],
    ];
    for bytes in refused {
        assert_eq!(Reader::new(bytes).any(), Err(NotDer), "{bytes:x?}");
    }
}

#[test]
fn wrapped_values_read_back() {
    for len in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
        let content = vec![7; len];
        let wrapped = wrap(tag::SEQUENCE, &content);
        assert_eq!(single(&wrapped, tag::SEQUENCE), Ok(content.as_slice()));
        let mut trailing = wrapped;
        trailing.push(0);
        assert_eq!(single(&trailing, tag::SEQUENCE), Err(NotDer));
    }
}

#[test]
fn numbers_and_booleans() {
    let accepted: [(&[u8], &[u8]); 4] = [
        (&[0], &[]),
        (&[1], &[1]),
        (&[0x7f], &[0x7f]),
        (&[0, 0x80], &[0x80]),
    ];
    for (content, magnitude) in accepted {
        let der = wrap(tag::INTEGER, content);
        assert_eq!(Reader::new(&der).unsigned(), Ok(magnitude));
    }
    let refused: [&[u8]; 4] = [&[], &[0x80], &[0, 0x7f], &[0, 0]];
    for content in refused {
        let der = wrap(tag::INTEGER, content);
        assert_eq!(Reader::new(&der).unsigned(), Err(NotDer), "{content:x?}");
    }
    let booleans: [(&[u8], Result<bool, NotDer>); 4] = [
        (&[], Ok(false)),
        (&[0x01, 0x01, 0xff], Ok(true)),
        (&[0x01, 0x01, 0x00], Err(NotDer)),
        (&[0x01, 0x01, 0x01], Err(NotDer)),
    ];
    for (der, expected) in booleans {
        assert_eq!(Reader::new(der).default_false(), expected, "{der:x?}");
    }
}

#[test]
fn object_identifiers() {
    let cases: [(&[u8], &str); 5] = [
        (&[0x55, 0x1d, 0x0f], "2.5.29.15"),
        (&[0x2a, 0x86, 0x48], "1.2.840"),
        (&[0x88, 0x37], "2.999"),
        (&[], ""),
        (&[0x2b, 0x80], "1.3"),
    ];
    for (content, text) in cases {
        assert_eq!(dotted(content), text);
    }
    assert!(dotted(&[0xff; 1000]).is_empty());
    assert!(dotted(&[0x01; 1000]).chars().count() < 100);
}
