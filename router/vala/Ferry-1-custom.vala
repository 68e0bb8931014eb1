// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// What ferry-1.vapi has and the introspection data cannot say to Vala.

namespace Ferry {
    public abstract class Transport : GLib.Object {
        [CCode (cname = "ferry_transport_new_for_descriptors")]
        public static Ferry.Transport new_for_descriptors (int in_fd, int out_fd) throws GLib.Error;
    }
}
