// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// The classes of the cluster, used once from Vala: test-vala-cluster HOST WORKER
//
// A server and a host of its own run while this does. HOST is the program ferry-host, whose workers run the serving
// worker, which is WORKER. Skipped where there is no nats-server.

string host_program;
string worker_path;

// The server writes its ports into a file when it takes connections.
string? find_port (string folder) throws Error {
    string? name;
    var entries = Dir.open (folder);
    while ((name = entries.read_name ()) != null) {
        string text;
        MatchInfo found;
        if (!name.has_suffix (".ports"))
            continue;
        FileUtils.get_contents (Path.build_filename (folder, name), out text);
        if (/127\.0\.0\.1:(\d+)/.match (text, 0, out found))
            return found.fetch (1);
    }
    return null;
}

void end (Subprocess program) throws Error {
    program.send_signal (Posix.Signal.TERM);
    program.wait ();
}

void use_cluster (string url) throws Error {
    Ferry.Router.get_default ().start ();
    var cluster = new Ferry.Cluster (Ferry.Router.get_default (), url, "app");
    assert_true (cluster.state == Ferry.ClusterState.CLOSED);
    assert_true (cluster.open ());
    var executor = new Ferry.Executor.for_runner (cluster);
    until (() => cluster.hosts.get_n_items () == 1);
    var host = (Ferry.Host) cluster.hosts.get_item (0);
    until (() => host.n_workers == 1);
    assert_true (host.name == "alpha" && host.state == Ferry.HostState.PRESENT);
    var sum = executor.submit ("add", new Variant ("(xx)", (int64) 40, (int64) 2));
    until (() => sum.get_done ());
    assert_true (sum.get_result ().get_int64 () == 42);
    var task = executor.submit ("sleep-until-cancelled", null);
    until (() => host.n_busy == 1);
    task.cancel ();
    until (() => task.get_done ());
    assert_true (task.get_state () == Ferry.TaskState.CANCELLED);
    executor.stop ();
    cluster.close ();
    assert_true (cluster.state == Ferry.ClusterState.CLOSED);
}

void test_cluster () {
    if (Environment.find_program_in_path ("nats-server") == null) {
        Test.skip ("there is no nats-server");
        return;
    }
    try {
        string? port = null;
        var folder = DirUtils.make_tmp ("ferry-vala-cluster-XXXXXX");
        var server = new Subprocess (SubprocessFlags.NONE, "nats-server", "-a", "127.0.0.1", "-p", "-1",
                                     "--ports_file_dir", folder, "-l", Path.build_filename (folder, "log"));
        until (() => {
            try {
                return (port = find_port (folder)) != null;
            } catch (Error error) {
                GLib.error ("%s", error.message);
            }
        });
        var url = @"nats://127.0.0.1:$port";
        var host = new Subprocess (SubprocessFlags.NONE, host_program, "--server", url, "--application", "app",
                                   "--name", "alpha", "--workers", "1", worker_path);
        use_cluster (url);
        end (host);
        end (server);
        FileUtils.remove (Path.build_filename (folder, "log"));
        DirUtils.remove (folder);
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
}

int main (string[] args) {
    Test.init (ref args);
    host_program = args[1];
    worker_path = args[2];
    Test.add_func ("/vala-cluster/a-host-runs-tasks-and-hears-a-cancel", test_cluster);
    return Test.run ();
}
