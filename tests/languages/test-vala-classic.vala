// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// The older systems' classes, from Vala: test-vala-classic WORKER. The worker is tests/workers/serving-worker.c.

string worker_path;

void test_errors () {
    var errors = new Ferry.ErrorList ();
    errors.add ("work", new IOError.NOT_FOUND ("not there"));
    assert_true (errors.get_first (null).phase == "work");
}

void test_process () {
    try {
        var router = Ferry.Router.get_default ();
        router.start ();
        var launcher = new Ferry.Launcher ({worker_path});
        var process = new Ferry.Process (router, launcher, "add", new Variant ("(xx)", (int64) 40, (int64) 2));
        Variant? value = process.next (-1);
        assert_true (value == null && process.join (-1) && process.get_result ().get_int64 () == 42);
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
}

class Counter : Object {
    public int value { get; set; }
}

void test_views () {
    var exporter = new Ferry.Exporter ();
    var made = new Ferry.Interface ("org.example.Counter", typeof (Counter));
    Variant? value;
    exporter.set ("threads", 0);
    made.add_all ();
    try {
        exporter.export ("counter", new Counter (), made, Ferry.CallPolicy.SERIAL);
        exporter.start ();
        var view = new Ferry.View (new Ferry.Proxy.local (exporter, "counter"));
        view.set ("value", new Variant.int32 (7));
        view.freeze ();
        assert_true (view.to_string () == "counter.value = 7");
        view.resolve (-1, null, out value, null);
        assert_true (value.get_int32 () == 7);
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
    exporter.stop (Ferry.StopMode.DRAIN);
}

void test_exchange () {
    Ferry.Transport here;
    Ferry.Transport there;
    Ferry.Transport.new_pair (out here, out there);
    var one = new Ferry.Channel (here);
    var other = new Ferry.Channel (there);
    try {
        var exchange = new Ferry.Exchange (null, null);
        exchange.add (other);
        one.send ("word", -1);
        assert_true (exchange.ready (-1).length == 1);
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
    one.close ();
}

int main (string[] args) {
    Test.init (ref args);
    worker_path = args[1];
    Test.add_func ("/vala-classic/a-list-has-errors", test_errors);
    Test.add_func ("/vala-classic/a-process-runs-a-function-of-a-program", test_process);
    Test.add_func ("/vala-classic/a-view-is-resolved", test_views);
    Test.add_func ("/vala-classic/an-exchange-says-what-is-ready", test_exchange);
    return Test.run ();
}
