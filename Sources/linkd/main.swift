LinkdCommand.main()
