// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Each callable of the older systems' classes is called from JavaScript: check-javascript-classic.js GIR TABLE
//
// TABLE is as that of check-javascript.js.

import Ferry from 'gi://Ferry?version=1';
import FerryClassic from 'gi://FerryClassic?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';

import {checkTable, listCallables, readTable, watch} from './callables.js';
import {equal, fact, main, none} from './tap.js';

const [girPath, tablePath] = ARGV;
const worker = GLib.getenv('FERRY_TEST_SERVING_WORKER');

// Waits for what begins asynchronously. Returns what finish (result) returns, or throws.
function complete(start, finish) {
    const loop = GLib.MainLoop.new(null, false);
    let result = null;
    start((source, outcome) => {
        result = outcome;
        loop.quit();
    });
    loop.run();
    return finish(result);
}

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

function testProcesses() {
    const router = Ferry.Router.get_default();
    router.start();
    let process = FerryClassic.Process.new(router, Ferry.Launcher.new([worker]), 'yield', GLib.Variant.new_uint64(2));
    const values = [process.next(-1).unpack()];
    values.push(complete(done => process.next_async(null, done), result => process.next_finish(result)).unpack());
    equal('a process yields values', values, [0, 1]);
    fact('and ends', process.next(-1) === null && process.join(-1));
    equal('with a result', process.get_result().unpack(), 1);
    process = FerryClassic.Process.new(router, Ferry.Launcher.new([worker]), 'add', new GLib.Variant('(xx)', [40, 2]));
    fact('its end may be waited for', complete(done => process.join_async(null, done),
        result => process.join_finish(result)));
}

main(() => {
    const {classes, names} = listCallables(girPath);
    none('each class is there', classes.filter(name => !(name in FerryClassic)));
    watch(FerryClassic, names);
    testErrors();
    testProcesses();
    checkTable(names, readTable(tablePath));
});
