"""Tests of the rows of the table in docs/data.md that says what happens to which data."""

#: Test module -> start of a row -> name of its test without `test_`.
TESTED_ROWS = {
    "components/data_gate/checks/test_picture_findings.py": {
        "a domain with pictures": "several_ranges_in_one_domain_are_a_warning",
    },
    "components/evaluation/predictions/test_slice_values.py": {
        "a column that": "a_column_of_too_many_values_is_an_error_that_names_some",
    },
    "components/image_example_gen/pixels/test_blank_areas.py": {
        "uncompressed BMP, PPM": "what_zeros_at_the_end_of_an_uncompressed_file_leave_is_found",
        "pictures of one": "a_block_of_one_colour_on_one_side_is_found",
    },
    "components/image_example_gen/pixels/test_file_damage.py": {
        "WebP or AVIF whose": "coded_pixels_that_end_in_zeros_are_refused",
    },
    "components/image_example_gen/pixels/test_format_support.py": {
        "TIFF with colours": "a_kind_that_is_not_read_is_named_with_its_format_and_a_remedy",
        "TIFF with each": "plain_separate_planes_are_read",
        "such a TIFF with": "separate_planes_that_pillow_reads_wrong_are_refused",
        "BigTIFF; LZW, deflate": "every_compression_is_read_in_plain_and_in_big_files",
        "JPEG with 12 bits": "a_kind_that_is_not_read_is_named_with_its_format_and_a_remedy",
    },
    "components/image_example_gen/pixels/test_jpeg_damage.py": {
        "JPEG that is cut": "a_lost_end_is_noticed",
        "JPEG with a hole": "missing_restart_markers_are_noticed",
        "JPEG with padding": "bytes_after_the_end_are_allowed",
    },
    "components/image_example_gen/pixels/test_value_range.py": {
        "16-bit PNG or TIFF": "16_bit_grey_has_the_range_of_the_smallest_depth_that_holds_it",
        "32-bit integers, float": "other_numbers_of_grey_have_it_too",
        "float TIFF from": "floats_up_to_1_have_the_range_0_to_1",
        "values below 0": "other_values_have_the_range_of_the_picture",
        "one hot pixel of": "one_hot_pixel_decides_the_range_of_its_picture",
        "NaN or infinity": "values_that_are_not_finite_are_refused_without_a_warning",
        "grey TIFF whose": "grey_whose_zero_is_white_is_inverted",
        "TIFF with several": "of_several_pages_the_first_is_read_and_the_others_are_noted",
    },
    "components/image_example_gen/test_ingestion.py": {
        "a file above `max_file_bytes`": "a_file_that_is_too_large_is_not_read",
    },
    "components/image_example_gen/test_picture_reader.py": {
        "palette, grey with": "transparent_pictures_get_a_white_background",
        "MPO (two pictures": "the_picture_of_a_phone_with_several_in_one_file_is_the_first",
        "PNG with a wrong": "a_png_with_a_wrong_checksum_is_refused_or_repaired",
    },
    "components/image_example_gen/test_splits.py": {
        "a class of three": "a_class_of_three_is_in_train_and_test_wherever_the_hashes_put_it",
    },
    "pipeline/commands/test_manifest_command.py": {
        "such exports with": "skipped_pictures_are_named_with_exit_code_2",
    },
    "pipeline/config/test_path_check.py": {
        "data, inbox, batch": "data_and_an_inbox_with_any_name_are_accepted",
        "workspace with `]": "a_workspace_with_any_other_name_is_accepted",
        "path of the data": "a_path_that_cannot_be_recorded_is_refused",
    },
    "pipeline/inputs/exports/test_coco_export.py": {
        "COCO, Pascal VOC": "coco_files_of_several_splits_become_one_manifest",
    },
    "pipeline/inputs/exports/test_manifest_writer.py": {
        "YOLO, LabelMe, Label": "a_folder_of_unknown_annotations_is_refused_with_the_formats",
    },
    "pipeline/inputs/layouts/test_layout_recognition.py": {
        "`<class>/<picture>`, `train/<class>/<picture>` |": (
            "class_folders_alone_need_the_name_of_the_domain"
        ),
        "`<domain>/images/<class>` (also `imgs`": (
            "one_folder_of_pictures_in_every_domain_is_skipped"
        ),
        "`PACS/kfold/<domain>/<class>` given as": (
            "folders_around_all_domains_stop_with_the_folder_to_give"
        ),
        "another folder between": (
            "one_unknown_folder_in_every_domain_stops_with_the_layout_to_give"
        ),
        "folders of patients": "folders_of_patients_below_every_class_belong_to_the_classes",
        "`images/<class>` or `train/<class>`": (
            "a_single_folder_of_pictures_in_place_of_the_domains_stops"
        ),
        "classes at different": "classes_at_different_levels_stop_with_an_example_of_each",
        "pictures without folders": "pictures_without_any_folder_stop",
    },
    "pipeline/inputs/layouts/test_split_level.py": {
        "`train`, `val`, `test`": "split_folders_at_any_level_become_the_splits_of_their_pictures",
        "split folders without": "a_split_without_a_folder_gets_its_share_of_the_training_pictures",
        "`training_set/training_set/<class>` | one": (
            "a_split_folder_that_holds_itself_again_is_one_level"
        ),
        "split folders beside": "split_folders_beside_other_folders_stop_with_both_named",
        "folders whose names": (
            "words_for_splits_in_all_names_stop_and_the_offered_layouts_read_them"
        ),
        "one class or domain": "a_class_may_have_the_name_of_a_split",
        "two classes or": "a_given_layout_wins_over_the_names_of_splits",
    },
    "pipeline/inputs/parquet/test_parquet_rows.py": {
        "a damaged Parquet": "a_pickled_type_is_refused_in_any_column_and_at_any_depth",
    },
    "pipeline/inputs/test_csv_table.py": {
        "manifest: comma, semicolon": "every_delimiter_encoding_and_line_end_is_read",
        "manifest: another encoding": "another_encoding_is_refused_with_the_line_and_the_value",
        "manifest: column names": "case_spaces_quotes_and_empty_cells_at_the_end_do_not_matter",
        "manifest: no header": "a_header_that_is_not_understood_says_what_to_do",
        "manifest: a space": "a_quote_after_a_space_quotes_nothing_and_is_refused",
        "manifest: a row": "a_row_with_another_delimiter_is_named_with_its_value",
    },
    "pipeline/inputs/test_delivered_manifests.py": {
        "a batch, manifest": "a_manifest_that_is_a_link_to_another_place_is_not_read",
    },
    "pipeline/inputs/test_folder.py": {
        "a link to a folder": "a_folder_is_entered_through_one_link_alone",
        "folders below 100": "folders_that_are_too_deep_are_one_unusable_file",
        "a batch of more": "a_delivery_of_too_many_files_is_refused",
    },
    "pipeline/inputs/test_invalid_manifests.py": {
        "manifest without a": "a_manifest_without_a_usable_row_names_the_first_row_and_its_reason",
    },
    "pipeline/inputs/test_manifest.py": {
        "manifest: an address": "a_picture_on_the_web_is_rejected_with_what_to_do",
    },
    "pipeline/inputs/test_manifest_path.py": {
        "manifest: a path": "a_file_is_found_in_the_other_unicode_form",
        "manifest: backslashes, drive": "a_path_without_a_file_says_what_may_be_wrong",
    },
    "pipeline/inputs/test_row_check.py": {
        "manifest: `Train`, `VAL`": "another_spelling_of_a_split_says_which_to_write",
        "manifest: `nan`, `NA`": "what_tools_write_for_a_missing_value_is_no_name",
        "manifest: a file": "one_file_that_is_written_in_two_ways_is_listed_twice",
        "manifest: `file:///` URIs": "a_file_uri_of_this_machine_is_a_path",
    },
    "pipeline/inputs/test_sidecar.py": {
        "manifest or `sidecar.csv` without": "a_slice_of_which_no_picture_has_a_value_is_an_error",
        "`sidecar.csv` directly in": (
            "a_sidecar_names_the_groups_of_some_pictures_and_is_no_picture_itself"
        ),
        "`sidecar.csv`: a domain": "a_sidecar_names_a_domain_that_no_folder_can_be_named_after",
        "`sidecar.csv`: a path": "what_is_wrong_in_a_sidecar_is_an_error_with_its_line",
    },
    "pipeline/inputs/test_snapshot.py": {
        "`<domain>/_unlabelled`": "pictures_without_a_label_are_left_out_with_a_note",
        "`<domain>/<class>/<picture>` | read": (
            "a_snapshot_lists_every_file_with_domain_label_and_size"
        ),
        "`--domain` for folders": "options_for_folders_are_refused_for_a_manifest",
        "files above the": "files_outside_of_a_class_folder_become_rows_with_a_reason",
        "links in the data": "symbolic_links_are_followed_and_loops_end",
        "names of pictures": "file_names_that_are_not_utf_8_survive",
    },
    "pipeline/inputs/test_system_files.py": {
        "hidden files and": "a_file_of_a_system_is_left_alone_at_any_level",
        "`Thumbs.db`, `ehthumbs.db`, `desktop.ini`": (
            "a_folder_of_a_system_is_left_alone_at_any_level"
        ),
        "`.snapshot`, `.zfs`, `~snapshot`": "a_snapshot_that_is_given_as_data_is_read",
        "`*.part`, `*.partial`, `*.filepart`": "a_file_of_a_system_is_left_alone_at_any_level",
        "times of files": "files_of_any_time_are_listed",
    },
    "pipeline/kubeflow/test_pipeline_compiler.py": {
        "Kubeflow: workspace or": "a_config_that_a_step_cannot_use_is_refused_in_one_line",
    },
    "pipeline/predicting/test_picture_paths.py": {
        "pattern of `predict`": "a_pattern_below_a_folder_with_a_strange_name",
    },
    "pipeline/retraining/deliveries/test_batch_layouts.py": {
        "a batch whose layout": (
            "a_delivery_whose_layout_is_not_clear_is_refused_and_leaves_nothing"
        ),
    },
    "pipeline/retraining/deliveries/test_delivery_intake.py": {
        "a path, URI or": "pictures_elsewhere_need_an_option_that_the_reason_names",
        "two names in the": "names_that_look_the_same_are_two_batches",
    },
    "pipeline/retraining/deliveries/test_inbox.py": {
        "files with times": "a_time_in_the_future_does_not_keep_a_delivery_incomplete_for_ever",
        "names of batches": "a_name_is_shown_with_escapes_for_what_is_not_printable",
        "the same names": "a_folder_of_a_system_is_no_delivery",
    },
    "pipeline/retraining/pictures/test_known_groups.py": {
        "manifest or `sidecar.csv`: a group": "a_group_is_known_in_all_spellings_of_its_name",
    },
    "pipeline/retraining/test_left_out_pictures.py": {
        "files of a batch": "they_are_named_and_counted_everywhere",
    },
    "pipeline/retraining/test_odd_deliveries.py": {
        "an empty batch": "an_odd_delivery_has_an_outcome_and_does_not_stop_others",
    },
    "pipeline/retraining/test_poisoned_deliveries.py": {
        "a pipe, socket": "every_good_batch_is_taken_in_the_pass_that_tells_of_every_poisoned_one",
    },
    "pipeline/retraining/test_waiting_batches.py": {
        "a manifest in the": "a_manifest_waits_for_its_pictures",
        "a batch whose store": "a_store_that_is_unavailable_is_no_fault_of_the_batch",
        "a manifest that": "a_manifest_that_is_a_dead_link_waits",
        "a picture that": "a_picture_that_is_still_written_is_waited_for",
    },
    "pipeline/test_strange_paths.py": {
        "workspace (or a": "every_command_refuses_such_a_workspace_before_it_runs",
        "path with a name": "data_that_cannot_be_recorded_are_refused",
    },
}
