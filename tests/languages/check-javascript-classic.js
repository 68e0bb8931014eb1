// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Each callable of the older systems' classes is called from JavaScript: check-javascript-classic.js GIR TABLE WORKER
//
// TABLE is as that of check-javascript.js, and WORKER is worker.js.

import FerryClassic from 'gi://FerryClassic?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';

import {checkTable, listCallables, readTable, watch} from './callables.js';
import {equal, fact, main, none} from './tap.js';

const [girPath, tablePath] = ARGV;

// The error that a function throws.
function raised(run) {
    try {
        run();
    } catch (error) {
        return error;
    }
    return null;
}

function testErrors() {
    const errors = FerryClassic.ErrorList.new();
    const error = new GLib.Error(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND, 'not there');
    errors.add_filter(Gio.io_error_quark(), -1);
    fact('a list takes an error', errors.add('work', error));
    equal('and has it', errors.get_first(null).phase, 'work');
    const other = FerryClassic.ErrorList.new();
    fact('it crosses as a value', other.add_variant(errors.to_variant()) && other.get_n_items() === 1);
    fact('it is thrown', raised(() => other.raise_any(null)).matches(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND));
    errors.clear(null);
    equal('a list is cleared', errors.get_n_items(), 0);
}

main(() => {
    const {classes, names} = listCallables(girPath);
    none('each class is there', classes.filter(name => !(name in FerryClassic)));
    watch(FerryClassic, names);
    testErrors();
    checkTable(names, readTable(tablePath));
});
