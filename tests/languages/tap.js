// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Facts, reported in the Test Anything Protocol.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import System from 'system';

let nFacts = 0;
let nFailed = 0;
let folder = null;

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

// One folder of a test, which is removed at its end.
export function makeFolder() {
    folder = GLib.dir_make_tmp('ferry-javascript-XXXXXX');
    return folder;
}

function removeFolder() {
    const found = Gio.File.new_for_path(folder).enumerate_children('standard::name', Gio.FileQueryInfoFlags.NONE, null);
    for (let info = found.next_file(null); info !== null; info = found.next_file(null))
        found.get_child(info).delete(null);
    Gio.File.new_for_path(folder).delete(null);
}

export function end() {
    if (folder !== null)
        removeFolder();
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
