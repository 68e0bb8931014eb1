// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Facts, reported in the Test Anything Protocol.

import System from 'system';

let nFacts = 0;
let nFailed = 0;

export function fact(name, holds, ...complaints) {
    nFacts++;
    if (!holds) {
        nFailed++;
        complaints.forEach(complaint => printerr(`${name}: ${complaint}`));
    }
    print(`${holds ? 'ok' : 'not ok'} ${nFacts} ${name}`);
}

export function equal(name, found, expected) {
    const [one, other] = [JSON.stringify(found), JSON.stringify(expected)];
    fact(name, one === other, `expected ${other}`, `found ${one}`);
}

export function none(name, complaints) {
    fact(name, complaints.length === 0, ...complaints);
}

export function end() {
    print(`1..${nFacts}`);
    System.exit(nFailed > 0 ? 1 : 0);
}

export function main(body) {
    try {
        body();
    } catch (error) {
        fact('no exception', false, `${error.message}\n${error.stack}`);
    }
    end();
}
