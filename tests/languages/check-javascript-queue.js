// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Each callable of the queue's introspection data is called from JavaScript: check-javascript-queue.js GIR TABLE
//
// Another process, which is this program with the path of a queue as its third argument, opens the queue, submits tasks,
// and is killed. Then the queue is opened here. TABLE is as that of check-javascript.js.

import Ferry from 'gi://Ferry?version=1';
import FerryQueue from 'gi://FerryQueue?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import {programInvocationName} from 'system';

import {checkTable, listCallables, readTable, watch} from './callables.js';
import {equal, fact, main, makeFolder, none} from './tap.js';

const [girPath, tablePath, applicationPath] = ARGV;
const NUMBERS = GLib.Variant.new_tuple([GLib.Variant.new_int64(40), GLib.Variant.new_int64(2)]);

function until(condition) {
    while (!condition())
        GLib.MainContext.default().iteration(true);
}

// Waits for a call that ends in _async.
function finish(queue, name, ...values) {
    let answer = null;
    queue[`${name}_async`](...values, null, (_queue, result) => {
        try {
            queue[`${name}_finish`](result);
            answer = {};
        } catch (error) {
            answer = {error};
        }
    });
    until(() => answer);
    if (answer.error)
        throw answer.error;
}

const router = Ferry.Router.get_default();
router.start();

function makeExecutor() {
    return Ferry.Executor.new(Ferry.Pool.new(router, Ferry.Launcher.new([GLib.getenv('FERRY_TEST_SERVING_WORKER')])));
}

function openQueue(executor, path) {
    const queue = FerryQueue.Queue.new(executor, path);
    finish(queue, 'open');
    return queue;
}

function makeTask(name, values) {
    return Ferry.Task.new(Ferry.TaskKind.CALL, name, values);
}

// What the other process does until it is killed.
function runApplication(path) {
    const queue = openQueue(makeExecutor(), path);
    const sum = queue.submit(makeTask('add', NUMBERS), 'sum');
    const endless = queue.submit(makeTask('sleep-until-cancelled', null), 'endless');
    until(() => sum.get_done() && endless.get_state() === Ferry.TaskState.EXECUTING);
    queue.paused = true;
    queue.submit(makeTask('add', NUMBERS), 'waits');
    finish(queue, 'flush');
    print('stored');
    until(() => false);
}

function killApplication(path) {
    const application = Gio.Subprocess.new(['gjs', '-m', programInvocationName, girPath, tablePath, path],
        Gio.SubprocessFlags.STDOUT_PIPE);
    const [line] = Gio.DataInputStream.new(application.get_stdout_pipe()).read_line_utf8(null);
    application.force_exit();
    application.wait(null);
    return line;
}

function useQueue(path) {
    const executor = makeExecutor();
    const queue = openQueue(executor, path);
    equal('a queue has what a process stored that was killed',
        [0, 1, 2].map(place => queue.get_key(queue.get_item(place))), ['sum', 'endless', 'waits']);
    equal('a result is there', queue.lookup('sum').get_result().unpack(), 42);
    fact('what was under way was interrupted',
        queue.lookup('endless').get_error().matches(Ferry.Error.quark(), Ferry.Error.INTERRUPTED));
    const waits = queue.lookup('waits');
    until(() => waits.get_done());
    equal('what waited goes on', waits.get_result().unpack(), 42);
    queue.paused = true;
    const tasks = ['one', 'other'].map(key => queue.submit(makeTask('add', NUMBERS), key));
    queue.set_cluster(null);
    queue.set_not_before(tasks[0], GLib.get_real_time() + 3600 * GLib.USEC_PER_SEC);
    fact('a task waits for its time', tasks[0].not_before > GLib.get_real_time());
    queue.move(tasks[1], tasks[0]);
    equal('the order is changed', [3, 4].map(place => queue.get_key(queue.get_item(place))), ['other', 'one']);
    queue.forget('one');
    finish(queue, 'flush');
    equal('a key is forgotten', queue.lookup('one'), null);
    finish(queue, 'back_up', `${path}.copy`);
    fact('a back-up is there', GLib.file_test(`${path}.copy`, GLib.FileTest.EXISTS));
    finish(queue, 'close');
    fact('a queue is closed', !queue.is_open);
    executor.stop();
    const later = FerryQueue.Queue.new(makeExecutor(), path);
    const asked = [];
    later.version = 2;
    later.connect('convert', (_queue, name, values, version) => {
        asked.push([name, version]);
        return GLib.Variant.new_tuple([GLib.Variant.new_int64(1), values.get_child_value(1)]);
    });
    finish(later, 'open');
    equal('the arguments of an older version are converted', asked, [['add', 0]]);
    const other = later.lookup('other');
    until(() => other.get_done());
    equal('and the task is done with them', other.get_result().unpack(), 3);
    finish(later, 'close');
}

if (applicationPath) {
    runApplication(applicationPath);
} else {
    main(() => {
        const path = `${makeFolder()}/queue.db`;
        const {classes, names} = listCallables(girPath);
        none('each class is there', classes.filter(name => !(name in FerryQueue)));
        watch(FerryQueue, names);
        equal('another process stores its tasks', killApplication(path), 'stored');
        useQueue(path);
        checkTable(names, readTable(tablePath));
    });
}
