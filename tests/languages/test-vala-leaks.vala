// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Tasks, items of maps, calls, requests and messages leave nothing behind in Vala: test-vala-leaks WORKER
//
// Each is done 10,000 times, and some times before, so that what is kept for later is there. Then there must be at most
// 100 bytes more memory for each, in the median of some rounds. Memory that is shared with workers is not counted. The
// worker is tests/workers/serving-worker.c.

const int MANY = 10000;
const int BATCH = 100;
const int BYTES_EACH = 100;
const int ROUNDS = 5;

Ferry.Executor executor;
Ferry.Mux mux;
Ferry.Sender sender;
int n_came;

int resident () throws Error {
    string text;
    MatchInfo found;
    FileUtils.get_contents ("/proc/self/status", out text);
    assert_true (/RssAnon:\s+(\d+)/.match (text, 0, out found));
    return int.parse (found.fetch (1)) * 1024;
}

delegate void Begin () throws Error;

// In batches, as a list of all would be memory too.
void in_batches (Begin begin) throws Error {
    for (int i = 0; i < MANY; i += BATCH) {
        n_came = 0;
        for (int j = 0; j < BATCH; j++)
            begin ();
        until (() => n_came >= BATCH);
    }
    executor.clear_finished ();
}

void came_as (int64 expected, Variant? value) {
    assert_true (value != null && value.get_int64 () == expected);
    n_came++;
}

void run_tasks () throws Error {
    in_batches (() => executor.submit ("double", new Variant.int64 (21)).done.connect (task => {
        try {
            came_as (42, task.get_result ());
        } catch (Error error) {
            GLib.error ("%s", error.message);
        }
    }));
}

void run_items () throws Error {
    var map = new Ferry.Map (executor, "double", Ferry.MapOrder.ORDERED);
    var numbers = new VariantBuilder (new VariantType ("ax"));
    for (int64 i = 0; i < MANY; i++)
        numbers.add ("x", i);
    map.set_arguments (numbers.end ());
    var results = map.collect (-1);
    assert_true (results.get_n_items () == MANY);
    executor.clear_finished ();
}

async void call () {
    try {
        came_as (42, yield executor.call_async ("double", new Variant.int64 (21), null));
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
}

async void ask () {
    try {
        came_as (5, yield mux.transact_async ("echo", new Variant.int64 (5), -1, null));
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
}

void run_calls () throws Error {
    in_batches (() => call.begin ());
}

void run_requests () throws Error {
    in_batches (() => ask.begin ());
}

void send_messages () throws Error {
    in_batches (() => assert_true (sender.send (new Variant.int64 (7))));
}

// How many bytes there are more after all: the median of some rounds.
void measure (string name, Begin run) {
    try {
        int grown[5];
        run ();
        run ();
        for (int i = 0; i < ROUNDS; i++) {
            int before = resident ();
            run ();
            grown[i] = resident () - before;
        }
        for (int i = 0; i < ROUNDS; i++)
            Test.message ("%s: %d bytes more after %d", name, grown[i], MANY);
        Posix.qsort (grown, ROUNDS, sizeof (int), (one, other) => *(int*) one - *(int*) other);
        assert_true (grown[ROUNDS / 2] <= BYTES_EACH * MANY);
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
}

int main (string[] args) {
    Test.init (ref args);
    Ferry.Transport here;
    Ferry.Transport there;
    Ferry.Receiver receiver;
    try {
        executor = new Ferry.Executor.for_program (args[1]);
        Ferry.Transport.new_pair (out here, out there);
        mux = new Ferry.Mux (here);
        var demux = new Ferry.Demux (there);
        demux.add_handler ("echo", invocation => invocation.return_value (invocation.get_arguments ()));
        demux.start ();
        Ferry.Router.get_default ().pipe (Ferry.PipeFlags.QUEUED, out sender, out receiver);
        receiver.message.connect (message => came_as (7, message));
        sender.start ();
        Test.add_data_func ("/vala-leaks/ten-thousand-tasks-leave-nothing", () => measure ("tasks", run_tasks));
        Test.add_data_func ("/vala-leaks/ten-thousand-items-leave-nothing", () => measure ("items", run_items));
        Test.add_data_func ("/vala-leaks/ten-thousand-calls-leave-nothing", () => measure ("calls", run_calls));
        Test.add_data_func ("/vala-leaks/ten-thousand-requests-leave-nothing", () => measure ("requests", run_requests));
        Test.add_data_func ("/vala-leaks/ten-thousand-messages-leave-nothing", () => measure ("messages", send_messages));
        return Test.run ();
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
}
