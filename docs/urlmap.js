// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Where the reference's links to the names of other libraries lead.
baseURLs = [
  [ "Ferry", "../ferry-1/" ],
  [ "GLib", "https://docs.gtk.org/glib/" ],
  [ "GObject", "https://docs.gtk.org/gobject/" ],
  [ "Gio", "https://docs.gtk.org/gio/" ],
  [ "Gdk", "https://docs.gtk.org/gdk4/" ],
  [ "Gtk", "https://docs.gtk.org/gtk4/" ],
];
