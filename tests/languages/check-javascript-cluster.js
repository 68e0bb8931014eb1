// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Each callable of the cluster's introspection data is called from JavaScript: check-javascript-cluster.js GIR TABLE HOST
//
// A server and a host of its own run while this does. HOST is the program ferry-host, whose workers run the serving
// worker. TABLE is as that of check-javascript.js. Skipped where there is no nats-server.

import Ferry from 'gi://Ferry?version=1';
import FerryCluster from 'gi://FerryCluster?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';

import {checkTable, listCallables, readTable, watch} from './callables.js';
import {equal, fact, main, makeFolder, none} from './tap.js';

const [girPath, tablePath, hostProgram] = ARGV;
const folder = makeFolder();
const programs = [];

// Looks until the condition holds, and returns what it gave.
function until(condition) {
    const timer = GLib.timeout_add(GLib.PRIORITY_DEFAULT, 20, () => GLib.SOURCE_CONTINUE);
    let found = condition();
    while (!found) {
        GLib.MainContext.default().iteration(true);
        found = condition();
    }
    GLib.source_remove(timer);
    return found;
}

function start(...command) {
    programs.push(Gio.Subprocess.new(command, Gio.SubprocessFlags.NONE));
}

// The server writes its ports into a file when it takes connections.
function findPort() {
    const entries = Gio.File.new_for_path(folder).enumerate_children('standard::name', Gio.FileQueryInfoFlags.NONE, null);
    for (let info = entries.next_file(null); info; info = entries.next_file(null)) {
        if (!info.get_name().endsWith('.ports'))
            continue;
        const [, bytes] = GLib.file_get_contents(GLib.build_filenamev([folder, info.get_name()]));
        const found = new TextDecoder().decode(bytes).match(/127\.0\.0\.1:(\d+)/);
        if (found)
            return found[1];
    }
    return null;
}

function useCluster(url) {
    const router = Ferry.Router.get_default();
    router.start();
    const cluster = FerryCluster.Cluster.new(router, url, 'app');
    equal('a cluster has no connection at first', cluster.get_state(), FerryCluster.ClusterState.CLOSED);
    fact('it connects', cluster.open());
    const executor = Ferry.Executor.new_for_runner(cluster);
    const host = until(() => cluster.get_hosts().get_item(0));
    until(() => host.get_n_workers() === 1);
    equal('it has a host', [host.get_name(), host.get_state()], ['alpha', FerryCluster.HostState.PRESENT]);
    const task = executor.submit('sleep-until-cancelled', null);
    until(() => host.get_n_busy() === 1);
    fact('whose round trip is known', host.get_round_trip() >= 0);
    task.cancel();
    until(() => task.get_done());
    equal('a task there is cancelled', task.get_state(), Ferry.TaskState.CANCELLED);
    executor.stop();
    cluster.close();
    equal('a cluster is closed', cluster.get_state(), FerryCluster.ClusterState.CLOSED);
}

main(() => {
    if (!GLib.find_program_in_path('nats-server')) {
        print('# there is no nats-server');
        return;
    }
    const {classes, names} = listCallables(girPath);
    none('each class is there', classes.filter(name => !(name in FerryCluster)));
    watch(FerryCluster, names);
    start('nats-server', '-a', '127.0.0.1', '-p', '-1', '--ports_file_dir', folder, '-l', `${folder}/log`);
    const url = `nats://127.0.0.1:${until(findPort)}`;
    start(hostProgram, '--server', url, '--application', 'app', '--name', 'alpha', '--workers', '1',
        GLib.getenv('FERRY_TEST_SERVING_WORKER'));
    try {
        useCluster(url);
    } finally {
        programs.reverse().forEach(program => {
            program.send_signal(15);
            program.wait(null);
        });
    }
    checkTable(names, readTable(tablePath));
});
