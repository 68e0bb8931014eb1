/* Values as they come: a worker searches a folder, and the window shows each file that it finds, at once: ./values
 * [FOLDER] The function yields each value, and the task emits a signal for it. If it is faster than the window, it
 * waits. A new search cancels the one before, of which nothing comes any more then.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <adwaita.h>
#include <ferry.h>

static FerryExecutor *executor; /* the application's */
static const char *folder;

static gboolean
walk (FerryJob *job, const char *parent, const char *word, GError **error)
{
  g_autoptr (GDir) directory = g_dir_open (parent, 0, NULL); /* one that cannot be read has nothing */
  const char *name;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *path = g_build_filename (parent, name, NULL), *shown = g_filename_display_name (path);

      if (strstr (name, word) != NULL && !ferry_job_yield (job, g_variant_new_string (shown), error))
        return FALSE; /* it was cancelled */
      if (!ferry_job_check (job, error))
        return FALSE;
      if (!g_file_test (path, G_FILE_TEST_IS_SYMLINK) && g_file_test (path, G_FILE_TEST_IS_DIR) &&
          !walk (job, path, word, error))
        return FALSE;
    }
  return TRUE;
}

static GVariant *
find (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *parent, *word;

  g_variant_get (arguments, "(^&ay&s)", &parent, &word);
  walk (job, parent, word, error);
  return NULL;
}

static void
yielded_cb (GtkStringList *found, GVariant *path)
{
  gtk_string_list_append (found, g_variant_get_string (path, NULL));
}

static void
done_cb (FerryTask *task, GtkLabel *hint)
{
  const GError *error = ferry_task_get_error (task);

  if (ferry_task_get_state (task) != FERRY_TASK_STATE_CANCELLED)
    gtk_label_set_label (hint, error != NULL ? error->message : "That is all.");
}

static void
search_cb (GtkEditable *entry, GtkLabel *hint)
{
  FerryTask *before = g_object_get_data (G_OBJECT (entry), "search"), *search;
  GtkStringList *found = g_object_get_data (G_OBJECT (entry), "found");
  g_autoptr (GError) error = NULL;

  search =
    ferry_task_new (FERRY_TASK_KIND_ITERATION, "find", g_variant_new ("(^ays)", folder, gtk_editable_get_text (entry)));
  if (before != NULL)
    ferry_task_cancel (before);
  gtk_string_list_splice (found, 0, g_list_model_get_n_items (G_LIST_MODEL (found)), NULL);
  g_object_set_data_full (G_OBJECT (entry), "search", search, g_object_unref);
  g_signal_connect_object (search, "yielded", G_CALLBACK (yielded_cb), found, G_CONNECT_SWAPPED);
  g_signal_connect_object (search, "done", G_CALLBACK (done_cb), hint, 0);
  gtk_label_set_label (hint, "Searches…");
  if (!ferry_executor_submit_task (executor, search, &error))
    gtk_label_set_label (hint, error->message);
}

static void
bind_cb (GtkListItemFactory *factory, GtkListItem *item)
{
  const char *path = gtk_string_object_get_string (gtk_list_item_get_item (item));

  gtk_list_item_set_child (item, g_object_new (GTK_TYPE_LABEL, "label", path, "xalign", 0.0, "margin-start", 12,
                                               "ellipsize", PANGO_ELLIPSIZE_START, NULL));
}

static void
activate_cb (GtkApplication *application)
{
  g_autoptr (GError) error = NULL;
  GtkStringList *found = gtk_string_list_new (NULL);
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  GtkSelectionModel *selection = GTK_SELECTION_MODEL (gtk_no_selection_new (G_LIST_MODEL (found)));
  GtkWidget *header = adw_header_bar_new (), *entry = gtk_search_entry_new (), *hint = gtk_label_new (folder);
  GtkWidget *scroll =
    g_object_new (GTK_TYPE_SCROLLED_WINDOW, "child", gtk_list_view_new (selection, factory), "vexpand", TRUE, NULL);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget *window = g_object_new (ADW_TYPE_APPLICATION_WINDOW, "application", application, "title", "Search",
                                    "content", box, "default-width", 480, "default-height", 420, NULL);

  g_signal_connect (factory, "bind", G_CALLBACK (bind_cb), NULL);
  gtk_widget_set_hexpand (entry, TRUE);
  adw_header_bar_set_title_widget (ADW_HEADER_BAR (header), g_object_new (ADW_TYPE_CLAMP, "child", entry, NULL));
  gtk_box_append (GTK_BOX (box), header);
  gtk_box_append (GTK_BOX (box), hint);
  gtk_box_append (GTK_BOX (box), scroll);
  g_object_set_data (G_OBJECT (entry), "found", found); /* the view keeps it */
  if (executor == NULL)
    executor = ferry_executor_new_for_program ("/proc/self/exe", &error);
  if (executor == NULL)
    gtk_label_set_label (GTK_LABEL (hint), error->message);
  gtk_widget_set_sensitive (entry, executor != NULL);
  g_signal_connect_object (entry, "search-changed", G_CALLBACK (search_cb), hint, 0);
  gtk_window_present (GTK_WINDOW (window));
}

int
main (int argc, char **argv)
{
  ferry_function_register ("find", "(ays)", "", find);
  ferry_worker_main (&argc, &argv);

  g_autoptr (AdwApplication) application = adw_application_new ("org.example.Search", G_APPLICATION_DEFAULT_FLAGS);
  folder = argc > 1 ? argv[1] : "/usr";
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  return g_application_run (G_APPLICATION (application), 1, argv);
}
