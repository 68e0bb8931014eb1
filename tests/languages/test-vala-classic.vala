// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// The older systems' classes, from Vala: test-vala-classic WORKER. The worker is tests/workers/serving-worker.c.

string worker_path;

void test_errors () {
    var errors = new Ferry.ErrorList ();
    errors.add ("work", new IOError.NOT_FOUND ("not there"));
    assert_true (errors.get_first (null).phase == "work");
}

int main (string[] args) {
    Test.init (ref args);
    worker_path = args[1];
    Test.add_func ("/vala-classic/a-list-has-errors", test_errors);
    return Test.run ();
}
