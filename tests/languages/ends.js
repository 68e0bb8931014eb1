// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// A program that ends, or collects garbage, while its transports are open: ends.js KIND
//
// GJS then disposes of them in one go, with its lock held, and their threads hear of the end of each other.

import Ferry from 'gi://Ferry?version=1';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import System from 'system';

import {complete, until} from './waits.js';

const COUNT = 8;
const Named = GObject.registerClass({
    Properties: {
        name: GObject.ParamSpec.string('name', '', '', GObject.ParamFlags.READWRITE, null),
    },
}, class Named extends GObject.Object {});

// GJS hears of each change between one reference and two of objects that have something of JavaScript's.
function mark(...objects) {
    objects.forEach(object => (object.mark = {}));
    return objects;
}

function exportOne() {
    const [here, there] = Ferry.Transport.new_pair();
    const exporter = Ferry.Exporter.new();
    const made = Ferry.Interface.new('org.example.Named', Named.$gtype);
    made.add_all();
    exporter.set_context(GLib.MainContext.default());
    exporter.export('named', new Named({name: 'it'}), made, Ferry.CallPolicy.CONCURRENT);
    exporter.add_transport(here);
    exporter.start();
    const proxy = Ferry.Proxy.new(there, 'named');
    complete(done => proxy.get_async('name', -1, null, done), result => proxy.get_finish(result));
    proxy.follow(['name'], null);
    until(() => proxy.dup_cached('name') !== null);
    return mark(here, there, exporter, proxy);
}

function talk() {
    const [here, there] = Ferry.Transport.new_pair();
    const [one, other] = [Ferry.Channel.new(here), Ferry.Channel.new(there)];
    one.send(GLib.Variant.new_string('word'), -1, null);
    complete(done => other.receive_async(null, done), result => other.receive_finish(result));
    return mark(here, there, one, other);
}

function ask() {
    const [here, there] = Ferry.Transport.new_pair();
    const demux = Ferry.Demux.new(here);
    demux.set_context(GLib.MainContext.default());
    demux.add_handler('echo', call => call.return_value(call.get_arguments()));
    demux.start();
    const mux = Ferry.Mux.new(there);
    complete(done => mux.transact_async('echo', GLib.Variant.new_uint32(7), -1, null, done),
        result => mux.transact_finish(result));
    return mark(here, there, demux, mux);
}

function connect() {
    return mark(...Ferry.Transport.new_pair());
}

const kept = [];
const make = {export: exportOne, talk, ask, connect}[ARGV[0]];
for (let i = 0; i < COUNT; i++) {
    kept.push(make());
    if (i % 4 === 3 && i < COUNT - 1) {
        kept.length = 0;
        System.gc();
    }
}
